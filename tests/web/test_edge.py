"""The edge: headers, refusals as pages, text from outside made visible, paging."""

from __future__ import annotations

import re

import pytest
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver
from django.views.debug import ExceptionReporter

from aggportal.accounts.models import User
from aggportal.web.actors import client_address
from aggportal.web.errors import refusal
from aggportal.web.sentences import visible, words
from aggportal.words import RefusedError, Sentence


def test_the_policy_allows_no_inline_code_and_no_foreign_origin() -> None:
    policy = Client().get("/login/", follow=True)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\u202eb", "a\\u{202E}b"),
        ("nul\x00", "nul\\u{0000}"),
        ("zero\u200bwidth", "zero\\u{200B}width"),
        ("Ünïcode 中文", "Ünïcode 中文"),
    ],
)
def test_hidden_characters_are_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_values_in_sentences_are_made_visible() -> None:
    assert (
        words(Sentence(text="CN %(cn)s, 100%%", params={"cn": "a\u202eb"}))
        == "CN a\\u{202E}b, 100%"
    )


def test_a_refusal_becomes_a_page_with_its_words(rf: RequestFactory, viewer: User) -> None:
    request = rf.get("/")
    request.user = viewer
    answer = refusal(request, RefusedError("No %(what)s here.", what="<script>"))
    assert answer.status_code == 409
    assert "No &lt;script&gt; here." in answer.content.decode()


def test_a_forwarded_address_is_believed_from_a_trusted_proxy_only(
    rf: RequestFactory, settings: object
) -> None:
    request = rf.get("/", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.1"}, REMOTE_ADDR="10.0.0.1")
    assert client_address(request) == "10.0.0.1"
    settings.TRUSTED_PROXIES = 1  # type: ignore[attr-defined]  # pytest-django's wrapper
    assert client_address(request) == "192.0.2.1"


def test_a_report_of_a_fault_does_not_tell_the_key(rf: RequestFactory, settings: object) -> None:
    secret = "c2VjcmV0IHRoYXQgbm9ib2R5IG1heSBzZWU="
    settings.KEK = secret  # type: ignore[attr-defined]  # pytest-django's wrapper
    request = rf.get("/")
    request.META |= {"AGGPORTAL_KEK": secret, "DATABASE_URL": f"postgres://me:{secret}@db/portal"}
    page = ExceptionReporter(request, None, None, None).get_traceback_html()
    assert "AGGPORTAL_KEK" in page
    assert secret not in page


def test_the_theme_is_kept_in_a_cookie_and_rendered_by_the_server(client: Client, db: None) -> None:
    answer = client.post("/theme/", {"theme": "dark", "next": "/login/"})
    assert answer["Location"] == "/login/"
    assert 'data-bs-theme="dark"' in client.get("/login/").content.decode()


def test_the_theme_form_sends_nobody_away(client: Client) -> None:
    assert (
        client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})["Location"]
        == "/"
    )


def test_an_unknown_address_says_so(client: Client, viewer: User) -> None:
    client.force_login(viewer)
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "Nothing is at this address" in answer.content.decode()


def test_a_forms_own_address_opened_by_itself_says_so(client: Client, viewer: User) -> None:
    client.force_login(viewer)
    answer = client.get("/theme/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "only takes what a form sends" in answer.content.decode()


def post_only_addresses(resolver=None, prefix=""):
    """Every address that answers POST alone, with something in each place of its pattern."""
    for each in (resolver or get_resolver()).url_patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            if each.namespace != "admin":
                yield from post_only_addresses(each, path)
        else:
            yield "/" + re.sub(r"<(\w+:)?\w+>", "1", path)


def test_every_address_that_takes_posts_alone_says_so_in_words(
    client: Client, administrator: User
) -> None:
    client.force_login(administrator)
    found = [client.get(address) for address in post_only_addresses()]
    refused = [answer for answer in found if answer.status_code == 405]
    assert len(refused) > 20
    assert all("only takes what a form sends" in answer.content.decode() for answer in refused)


MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n\\ud800\r\n'
    b'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nx\r\n--x--\r\n'
)


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "latin-1", "nonsense"])
def test_a_body_in_a_foreign_charset_is_refused_with_words(
    client: Client, db: None, charset: str
) -> None:
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    answer = client.generic("POST", "/login/", MULTIPART, content_type=kind)
    assert answer.status_code == 415
    assert "Send text as UTF-8" in answer.content.decode()
    assert client.get("/login/?next=%5Cud800", headers={"Content-Type": kind}).status_code == 415


def test_a_body_in_utf8_is_read(client: Client, db: None) -> None:
    kind = "multipart/form-data; boundary=x; charset=UTF-8"
    answer = client.generic("POST", "/login/", MULTIPART, content_type=kind)
    assert answer.status_code == 422


def test_a_body_too_large_is_refused_before_it_is_read(client: Client, db: None) -> None:
    kind = "multipart/form-data; boundary=x"
    answer = client.generic("POST", "/login/", b"", kind, CONTENT_LENGTH="1000000000")
    assert answer.status_code == 413
    assert "larger than 4 MB" in answer.content.decode()
