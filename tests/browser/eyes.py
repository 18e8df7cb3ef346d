"""What a careful person would see go wrong in the browser while a page is used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Request,
    Response,
    WebError,
)

# Chromium reports a broken policy to the console as well; this also names the directive.
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
_STATUS = re.compile(r"responded with a status of (\d{3})")
# A page that one leaves, a download and the next keystroke abort what was under way.
_OWN_ABORTS = ("net::ERR_ABORTED",)
_OWN_SCHEMES = ("data", "blob", "about")


class Eyes:
    """Watches every page of a browser context: console, failures, foreign origins, dialogs."""

    def __init__(self, context: BrowserContext, *, origin: str) -> None:
        self.origin = origin
        self.problems: list[str] = []
        self._expected: tuple[int, ...] = ()
        context.add_init_script(_REPORT_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        context.on("dialog", self._dialog)

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Chromium writes refused requests to the console; here these statuses are the point."""
        self._expected = statuses
        try:
            yield
        finally:
            self._expected = ()

    def require_nothing_wrong(self) -> None:
        """Tell of everything that was seen since the last call."""
        seen, self.problems = self.problems, []
        assert not seen, "\n".join(f"{times} × {told}" for told, times in Counter(seen).items())

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        status = _STATUS.search(message.text)
        if status and int(status[1]) in self._expected:
            return
        where = message.location.get("url", "")
        self.problems.append(f"console {message.type} at {where}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in _OWN_SCHEMES or f"{parts.scheme}://{parts.netloc}" == self.origin:
            return
        self.problems.append(f"a request leaves the origin: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure not in _OWN_ABORTS:
            self.problems.append(f"{request.method} {request.url} failed: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.status} at {response.url}")

    def _dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"a dialog says {dialog.message!r}")
        dialog.dismiss()
