"""What goes to the provider of single sign-on, and what its settings may say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from aggportal.accounts.provider_people import mappings_of, require_sound_settings
from aggportal.accounts.provider_wire import MAX_BODY, ProviderTrouble, open_session
from aggportal.accounts.rights import Role


class _Odd(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        away = self.path == "/away"
        body = b"x" * (MAX_BODY + 1) if self.path == "/large" else b"{}"
        self.send_response(302 if away else 200)
        if away:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def odd() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_answer_is_read(odd: str) -> None:
    answer = open_session().get(f"{odd}/")
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(("path", "said"), [("/away", "redirects"), ("/large", "more than")])
def test_what_no_provider_needs_is_refused(odd: str, path: str, said: str) -> None:
    with pytest.raises(ProviderTrouble, match=said):
        open_session().get(odd + path)


@pytest.mark.parametrize(
    "address",
    ["http://idp.example.org/", "http://127.0.0.1.example.org/", "http://2130706433/"],
)
def test_plain_http_is_for_loopback_alone(address: str) -> None:
    with pytest.raises(ProviderTrouble, match="no https"):
        open_session().get(address)


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "192.0.0.192"])
def test_a_forbidden_address_is_not_connected_to(host: str) -> None:
    with pytest.raises(ProviderTrouble):
        open_session().get(f"https://{host}/")


@pytest.mark.parametrize(
    ("issuer", "client"), [("http://idp.example.org", "portal"), ("https://idp.example.org", "")]
)
def test_half_a_configuration_stops_the_start(settings: Settings, issuer: str, client: str) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = issuer, client
    with pytest.raises(ImproperlyConfigured, match="AGGPORTAL_OIDC_ISSUER"):
        require_sound_settings()


@pytest.mark.parametrize(
    "entry", ["web", "=issuer", "web=root", "web=issuer@cluster:x", "web=viewer@authority:x"]
)
def test_a_mapping_that_means_nothing_stops_the_start(entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AGGPORTAL_OIDC_ROLES"):
        mappings_of([entry])


def test_a_group_may_have_an_equals_sign_in_its_name() -> None:
    (found,) = mappings_of(["cn=web,dc=example=issuer@authority:web"])
    assert (found.group, found.role, found.slug) == ("cn=web,dc=example", Role.ISSUER, "web")
