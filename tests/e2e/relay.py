"""A relay between the portal and an API server that may be led elsewhere, hold still, or refuse."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field

from tests.e2e.control_plane import free_port


@dataclass(kw_only=True)
class Relay:
    """Passes bytes on from `port` to another port of this machine, whatever they are."""

    target: int
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self._open: list[socket.socket] = []
        self._still = threading.Event()
        self._listener: socket.socket | None = None
        self.lead_to(self.target)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def lead_to(self, target: int) -> None:
        """Break off what is under way; from now on lead to `target`."""
        self.refuse()
        self.target = target
        self._still.clear()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Break off what is under way and let nobody connect."""
        listener, self._listener = self._listener, None
        opened, self._open = self._open, []
        for each in (*opened, *([listener] if listener else [])):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def hold_still(self) -> None:
        """Go on accepting, and pass nothing on in either direction."""
        self._still.set()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _ = listener.accept()
                threading.Thread(target=self._connect, args=(conn,), daemon=True).start()

    def _connect(self, conn: socket.socket) -> None:
        self._open.append(conn)
        try:
            other = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            conn.close()
            return
        self._open.append(other)
        for source, sink in ((conn, other), (other, conn)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                while self._still.is_set():
                    time.sleep(0.05)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
