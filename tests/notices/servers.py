"""Real servers on loopback: one that takes mail, one that takes webhooks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass(kw_only=True)
class Mailbox:
    """What a mail server took: each with the addresses of its envelope."""

    refuse: str = ""
    slow: float = 0
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.rcpt_tos, parsed))
        return "250 OK"


@contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[Mailbox]:
    """Take mail into `mailbox` on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:  # the controller takes no port 0
        mailbox.port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class Hook:
    """What a receiver of webhooks took. `answer` gives the status; it may wait."""

    answer: Callable[[int], int] = lambda number: 204
    location: str = ""
    posted: list[Posted] = field(default_factory=list)
    url: str = ""


@contextmanager
def hook_server(hook: Hook) -> Iterator[Hook]:
    """Take POSTs into `hook` on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            hook.posted.append(Posted(path=self.path, headers=headers, body=body))
            self.send_response(hook.answer(len(hook.posted)))
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


def wait_for(found: Callable[[], object], *, seconds: float = 40) -> None:
    """Wait until `found` gives something true."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
