"""Every address of the URLconf: its headers, and that nothing another site sends is done."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.test import Client

from aggportal.ledger.models import Entry
from tests.web.addresses_tried import every_address

pytestmark = pytest.mark.django_db
ADDRESSES = list(every_address())
# Programs ask for the state of a certificate; that changes nothing and needs nobody's session.
OPEN_TO_PROGRAMS = {"certs:ocsp_post", "certs:ocsp_post_slash"}
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def rows() -> dict[str, int]:
    """How many rows each table of ours has; the session that a refusal may write is none of it."""
    kept = [model for model in apps.get_models() if model._meta.app_label != "sessions"]
    return {model._meta.label: model._default_manager.count() for model in kept}


@pytest.fixture
def signed_in(administrator) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    return client


def refused(client: Client, **sent) -> dict[str, int]:
    """The addresses, by name, that do not answer a POST with 403, and their status."""
    found = {name: client.post(path, **sent).status_code for name, path in ADDRESSES}
    return {name: status for name, status in found.items() if status != 403}


def test_csrf_every_unsafe_view(signed_in):
    before, entries = rows(), Entry.objects.count()
    odd = refused(signed_in, data={"confirm": "1", "do": "issue"})
    assert set(odd) >= OPEN_TO_PROGRAMS
    assert {name: status for name, status in odd.items() if status != 405} == {
        name: odd[name] for name in OPEN_TO_PROGRAMS
    }
    assert len(ADDRESSES) - len(odd) > 100
    assert rows() == before
    assert Entry.objects.count() == entries


def token_of(client: Client) -> str:
    client.get("/account/")
    return client.cookies[configured.CSRF_COOKIE_NAME].value


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=lambda headers: "-".join(headers.values()),
)
def test_even_with_the_right_token_nothing_from_another_site_is_done(signed_in, headers):
    before, token = rows(), token_of(signed_in)
    for name, path in ADDRESSES:
        sent = {"csrfmiddlewaretoken": token}
        answer = signed_in.post(path, sent, headers=headers)
        by_ocsp = name in OPEN_TO_PROGRAMS and "Origin" in headers
        assert by_ocsp or answer.status_code in (403, 405), (name, answer.status_code)
    assert rows() == before


def test_the_portals_own_forms_pass(signed_in):
    sent = {"theme": "dark", "csrfmiddlewaretoken": token_of(signed_in)}
    for site in ("same-origin", "none"):
        answer = signed_in.post("/theme/", sent, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 302


def test_a_trusted_origin_passes(signed_in, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://portal.example.org"]
    sent = {"theme": "dark", "csrfmiddlewaretoken": token_of(signed_in)}
    headers = {"Sec-Fetch-Site": "same-site", "Origin": "https://portal.example.org"}
    assert signed_in.post("/theme/", sent, headers=headers).status_code == 302


def test_every_address_answers_with_the_headers(client_of, administrator):
    client, seen = client_of(administrator), 0
    for name, path in ADDRESSES:
        answer = client.get(path)
        assert answer.status_code < 500, name
        assert {key: answer.get(key) for key in EXPECTED} == EXPECTED, name
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert "camera=()" in answer["Permissions-Policy"], name
        assert answer.get("Cache-Control"), name
        seen += answer.status_code == 200
    assert seen > 25


def test_pages_that_take_or_show_secrets_are_kept_by_no_cache(client_of, administrator):
    client = client_of(administrator)
    for path in ("/inspect/", "/authorities/import/", "/certificates/import/", "/scan/"):
        assert "no-store" in client.get(path)["Cache-Control"], path
