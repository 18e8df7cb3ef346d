"""Real TLS servers on loopback that answer as a script tells them, rightly or not."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kube.tls import Pair


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as the server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.split("?")[0]


Script = Callable[[socket.socket, Asked], None]
NOTHING = Asked(method="", target="", headers={})


@dataclass(kw_only=True)
class ScriptedServer:
    """Listens at once; every request goes to `script`, every connection has its thread.

    Without `pair` it speaks no TLS: the script gets each connection as it comes.
    """

    script: Script
    pair: Pair | None
    client_ca_pem: str | None = None
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._context = None if self.pair is None else _context(self.pair, self.client_ca_pem)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Close everything, as a killed process does."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self._listener.accept()
                self.connections += 1
                self._open.append(conn)
                threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._context is None:
                self.script(conn, NOTHING)
                return
            conn = self._context.wrap_socket(conn, server_side=True)
            self._open.append(conn)
            with conn, conn.makefile("rb") as file:
                while asked := _read_request(file):
                    self.asked.append(asked)
                    self.script(conn, asked)


def _context(pair: Pair, client_ca_pem: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if client_ca_pem is not None:
        context.load_verify_locations(cadata=client_ca_pem)
        context.verify_mode = ssl.CERT_REQUIRED
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "pair.pem"
        path.write_text(pair.certificate_pem + pair.key_pem)
        context.load_cert_chain(path)
    return context


def _read_request(file: Any) -> Asked | None:
    first = file.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := file.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = file.read(int(headers.get("content-length", "0")))
    return Asked(method=first[0], target=first[1], headers=headers, body=body)


def answer(
    conn: socket.socket, status: int, body: bytes | dict[str, Any] | str, **headers: str
) -> None:
    """A whole answer with its length; a dict goes out as JSON."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    data = data.encode() if isinstance(data, str) else data
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    conn.sendall("\r\n".join([*lines, "", ""]).encode() + data)


def chunked(conn: socket.socket) -> Callable[[bytes], None]:
    """Open a chunked answer; the result sends one chunk."""
    conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    return lambda data: conn.sendall(b"%x\r\n%s\r\n" % (len(data), data))


def hang_up(conn: socket.socket) -> None:
    """Break the connection off."""
    socket.socket.shutdown(conn, socket.SHUT_RDWR)


def drip(conn: socket.socket, data: bytes, *, every: float = 0.1) -> None:
    """One byte now and then."""
    for index in range(len(data)):
        conn.sendall(data[index : index + 1])
        time.sleep(every)


def status_object(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """What Kubernetes answers when it says no."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }
