"""A node's kubelet, as far as `pods/portforward` needs one: a websocket in front of a real port.

kube-apiserver passes the upgrade on to `/portForward/<namespace>/<pod>?port=<number>`. Channel 0
carries the bytes, channel 1 what went wrong; each begins with the port's number, little-endian
(v4.channel.k8s.io, kubelet's pkg/kubelet/server/portforward/websocket.go).
"""

from __future__ import annotations

import base64
import hashlib
import socket
import socketserver
import ssl
import struct
import tempfile
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.kube.tls import Pair

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BINARY, _CLOSE = 0x2, 0x8


class Kubelet:
    """`ports` says where a pod's port leads on loopback; others are refused, as by a real pod.

    `asked` is every (pod, port) that was asked for, `heard` all that was sent to a pod.
    """

    def __init__(self, pair: Pair, ports: dict[tuple[str, int], int]) -> None:
        self.ports = ports
        self.asked: list[tuple[str, int]] = []
        self.heard = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "tls.crt", Path(folder) / "tls.key"
            files[0].write_text(pair.certificate_pem)
            files[1].write_text(pair.key_pem)
            self._context.load_cert_chain(*files)
        kubelet = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    kubelet.serve(kubelet._context.wrap_socket(self.request, server_side=True))
                except OSError:
                    return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads, self._server.block_on_close = True, False
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, web: ssl.SSLSocket) -> None:
        """Answer the upgrade and pass on what comes, both ways."""
        web.settimeout(20)
        asked = _upgraded(web)
        self.asked.append(asked)
        for channel in (0, 1):
            _send(web, bytes([channel]) + struct.pack("<H", asked[1]))
        try:
            pod = socket.create_connection(("127.0.0.1", self.ports[asked]), 5)
        except (KeyError, OSError):
            _send(web, b"\x01" + f"dial tcp4 127.0.0.1:{asked[1]}: connection refused".encode())
            return
        threading.Thread(target=_pass_back, args=[pod, web], daemon=True).start()
        while (frame := _frame(web)) is not None:
            if frame[:1] == b"\x00":
                self.heard += frame[1:]
                pod.sendall(frame[1:])
        pod.close()


def _pass_back(pod: socket.socket, web: ssl.SSLSocket) -> None:
    try:
        while data := pod.recv(4096):
            _send(web, b"\x00" + data)
    except OSError:
        return


def _upgraded(web: ssl.SSLSocket) -> tuple[str, int]:
    """Read the request and agree; return the pod and the port that are asked for."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _exactly(web, 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    key = headers["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest()).decode()
    answer = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
        f"Sec-WebSocket-Protocol: {headers['sec-websocket-protocol']}",
    ]
    web.sendall("\r\n".join([*answer, "", ""]).encode())
    url = urlsplit(first.split(" ")[1])
    return url.path.split("/")[3], int(parse_qs(url.query)["port"][0])


def _send(web: ssl.SSLSocket, payload: bytes) -> None:
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
    web.sendall(bytes([0x80 | _BINARY]) + length + payload)


def _frame(web: ssl.SSLSocket) -> bytes | None:
    """The payload of the next frame, which a client masks; None at the end (RFC 6455)."""
    try:
        first, second = _exactly(web, 2)
        if first & 0xF == _CLOSE:
            return None
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", _exactly(web, 2))
        mask = _exactly(web, 4)
        return bytes(b ^ mask[i % 4] for i, b in enumerate(_exactly(web, size)))
    except OSError:
        return None


def _exactly(web: ssl.SSLSocket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = web.recv(size - len(data))
        if not more:
            raise ConnectionResetError("the other side is gone")
        data += more
    return data
