"""A person at the portal: opens pages, fills forms and presses buttons, over real HTTP."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPResponse
from http.cookiejar import CookieJar

from tests.e2e.pages import Form, Page

SECONDS = 40.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, after redirects."""

    address: str
    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @cached_property
    def page(self) -> Page:
        return Page(self.text)

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.address).path


class Visitor:
    """One browser: cookies, redirects, the forms' own CSRF tokens."""

    def __init__(self, address: str) -> None:
        self.address = address
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def get(self, path: str, **headers: str) -> Answer:
        """Open a page. `HX_Request="true"` becomes the header HX-Request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask(path, headers=named)

    def open(self, path: str) -> Answer:
        """Open a page that must be there."""
        answer = self.get(path)
        assert answer.status == 200, f"{answer.status} at {path}: {answer.page.text[:600]}"
        return answer

    def send(self, at: Answer, form: Form, *, button: str = "", **fields: str) -> Answer:
        """Fill in the form that stands on `at` and send it by `button`."""
        pairs, action = form.filled(**fields), form.action
        if button:
            pressed = form.button(button)
            pairs += [(pressed.name, pressed.value)] if pressed.name else []
            action = pressed.action or action
        address = urllib.parse.urljoin(at.address, action)
        query = urllib.parse.urlencode(pairs)
        if form.method == "get":
            return self._ask(f"{address.split('?')[0]}?{query}")
        return self._ask(address, data=query.encode(), headers={"Referer": at.address})

    def _ask(
        self, path: str, *, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        address = urllib.parse.urljoin(self.address, path)
        request = urllib.request.Request(address, data=data, headers=headers or {})  # noqa: S310 -- own server
        try:
            with self._opener.open(request, timeout=SECONDS) as response:
                return _answer(response)
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(address=refused.url, status=refused.code, body=refused.read())


def _answer(response: HTTPResponse) -> Answer:
    return Answer(address=response.url, status=response.status, body=response.read())


def sign_in(address: str, *, name: str, one_time: str, password: str) -> Visitor:
    """Sign in for the first time: the one-time password leads to choosing an own one."""
    visitor = Visitor(address)
    at = visitor.open("/")
    assert at.path == "/login/"
    at = visitor.send(at, at.page.forms[0], username=name, password=one_time)
    assert at.path == "/account/password/", at.page.text[:400]
    at = visitor.send(
        at,
        at.page.form_with("new_password1"),
        old_password=one_time,
        new_password1=password,
        new_password2=password,
    )
    assert (at.status, at.path) == (200, "/"), at.page.text[:400]
    return visitor
