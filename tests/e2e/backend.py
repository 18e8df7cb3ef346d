"""A small extension API server of the tests' own, whose certificate and answers can be bad."""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.kube.tls import Pair

GROUP, VERSION = "clinic.example.com", "v1"
NAME = f"{VERSION}.{GROUP}"
_RESOURCE = {"name": "patients", "namespaced": False, "kind": "Patient", "verbs": ["list"]}


class Backend:
    """Serves any group version on loopback. `answer` is (status, body) of every request, or
    None for the right ones; `seconds` is how long it thinks.
    """

    def __init__(self, pair: Pair) -> None:
        self.answer: tuple[int, str] | None = None
        self.seconds = 0.0
        self.resources: list[dict[str, Any]] = [_RESOURCE]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.present(pair)
        self.port = 0
        self.start()

    def present(self, pair: Pair) -> None:
        """Show this certificate from now on."""
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "tls.crt", Path(folder) / "tls.key"
            files[0].write_text(pair.certificate_pem)
            files[1].write_text(pair.key_pem)
            self._context.load_cert_chain(*files)

    def start(self) -> None:
        """Listen, on the same port as before."""
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(backend.seconds)
                status, body = backend.answer or (200, backend.right_answer(self.path))
                self.send_response(status)
                kind = "application/json" if body.startswith("{") else "text/html"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Quiet(("127.0.0.1", self.port), Handler)
        self.port = int(self._server.server_address[1])
        self._server.socket = self._context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def right_answer(self, path: str) -> str:
        """What an extension API server answers."""
        if "/patients" in path:
            listed = {"kind": "PatientList", "apiVersion": f"{GROUP}/{VERSION}", "items": []}
            return json.dumps({**listed, "metadata": {"resourceVersion": "1"}})
        asked = "/".join(path.partition("?")[0].split("/")[2:4])
        found = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": asked}
        return json.dumps({**found, "resources": self.resources})


class _Quiet(ThreadingHTTPServer):
    """Says nothing about connections that broke."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        pass
