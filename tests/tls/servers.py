"""Endpoints on loopback to be looked at: OpenSSL's own server, and sockets that misbehave."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.certificates_made import Made

Script = Callable[[socket.socket], None]
# Old versions need the old security level; `-www` keeps the server from reading our terminal.
_ALWAYS = ("-www", "-no-CAfile", "-no-CApath", "-no-CAstore", "-cipher", "ALL:@SECLEVEL=0")


def pem(*certificates: Made) -> str:
    """The certificates, one behind the other."""
    blobs = (each.certificate.public_bytes(Encoding.PEM) for each in certificates)
    return b"".join(blobs).decode()


@contextlib.contextmanager
def openssl_server(
    folder: Path,
    own: Made | tuple[str, str],
    *flags: str,
    chain: Sequence[Made] = (),
    asks_for: Sequence[Made] | str = (),
) -> Iterator[int]:
    """`openssl s_server` with `own` (or PEM texts of certificate and key), yielding its port.

    `asks_for` are the CAs (or their PEM) that it names when asking for a client certificate
    (`-verify`, `-Verify`).
    """
    certificate, key = (pem(own), own.key_pem) if isinstance(own, Made) else own
    asked = asks_for if isinstance(asks_for, str) else pem(*asks_for)
    texts = {"cert": certificate, "key": key, "cert_chain": pem(*chain), "CAfile": asked}
    arguments: list[str] = []
    for option, text in texts.items():
        if text:
            (folder / f"{option}.pem").write_text(text)
            arguments += [f"-{option}", str(folder / f"{option}.pem")]
    always = [flag for flag in _ALWAYS if not (asks_for and flag == "-no-CAfile")]
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", *always, *arguments, *flags]
    server = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield _port_of(server)
    finally:
        server.kill()
        server.communicate()


def _port_of(server: subprocess.Popen[bytes]) -> int:
    said = b""
    for line in server.stdout or ():
        said += line
        if line.startswith(b"ACCEPT"):
            return int(line.rsplit(b":", 1)[1])
    raise AssertionError(f"openssl s_server ended: {said.decode()}")


@contextlib.contextmanager
def scripted(script: Script) -> Iterator[int]:
    """A socket whose every connection is given to `script`, yielding its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve(line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            script(line)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listener.accept()
                held.append(line)
                threading.Thread(target=serve, args=(line,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        for each in (listener, *held):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
