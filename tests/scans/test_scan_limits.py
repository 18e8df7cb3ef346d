"""What the portal does not connect to, and how often it does."""

from __future__ import annotations

import socket

import pytest

from aggportal.ledger.models import Entry, Outcome
from aggportal.scans.services import scanning
from tests.scans.pages_used import outcomes, said, send
from tests.tls.servers import scripted

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "target",
    [
        "", "127.1", "0x7f.1", "2130706433", "http://a.example", "a.example:22", "a.example:80",
        "127.0.0.1:99999", "a b", "<script>alert(1)</script>", "\x00", "user@a.example",
    ],
)  # fmt: skip
def test_what_cannot_be_scanned_is_said_beside_the_field(
    client_of, issuer, target, nothing_is_connected
):
    answer = send(client_of(issuer), target)
    assert answer.status_code == 422
    assert 'id="id_target_error"' in answer.text
    assert "<script>alert" not in answer.text
    assert outcomes() == []


@pytest.mark.parametrize(
    "target",
    ["169.254.169.254:443", "[::ffff:169.254.169.254]:443", "[64:ff9b::a9fe:a9fe]", "0.0.0.0:6443"],
)
def test_a_denied_address_is_refused_and_recorded(client_of, issuer, target, nothing_is_connected):
    answer = send(client_of(issuer), target)
    assert answer.status_code == 422
    assert "must not connect to" in answer.text
    entry = Entry.objects.get(action="endpoint.scanned")
    assert entry.outcome == Outcome.REFUSED
    assert entry.detail["reason"] == "egress-denied"


def test_the_operator_s_networks_hold_for_scans(client_of, issuer, settings, nothing_is_connected):
    settings.EGRESS_DENY = ["127.0.0.0/8", "::1/128"]
    for target in ("127.0.0.1:6443", "localhost.:6443", "[::1]:6443", "[::ffff:127.0.0.1]:6443"):
        assert send(client_of(issuer), target).status_code == 422
    assert outcomes() == ["refused"] * 4


def test_a_name_that_leads_to_a_denied_address_is_refused(
    client_of, issuer, monkeypatch, nothing_is_connected
):
    told = [(2, 1, 6, "", (address, 443)) for address in ("203.0.113.7", "169.254.169.254")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: told)
    answer = send(client_of(issuer), "rebinding.example")
    assert answer.status_code == 422
    assert "rebinding.example leads to 169.254.169.254" in said(answer)
    assert outcomes() == ["refused"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "*.example.com"),
        ("name", "a b"),
        ("server_name", "127.0.0.1"),
        ("server_name", "x\r\ny"),
    ],
)
def test_a_name_that_is_none_is_said_beside_its_field(
    client_of, issuer, field, value, nothing_is_connected
):
    answer = send(client_of(issuer), "127.0.0.1:6443", **{field: value})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.text


def test_sending_a_name_and_none_is_contradictory(client_of, issuer, nothing_is_connected):
    rest = {"server_name": "a.example", "without_sni": "on"}
    assert send(client_of(issuer), "127.0.0.1:6443", **rest).status_code == 422


def test_a_person_scans_so_often_a_minute_and_no_more(client_of, issuer, administrator, settings):
    settings.SCANS_PER_MINUTE = 2
    with scripted(lambda line: line.close()) as port:
        statuses = [send(client_of(issuer), f"127.0.0.1:{port}").status_code for _ in range(3)]
        assert send(client_of(administrator), f"127.0.0.1:{port}").status_code == 200
    assert statuses == [200, 200, 429]
    assert len(outcomes()) == 6


def test_a_refused_attempt_counts_as_well(client_of, issuer, settings, nothing_is_connected):
    settings.SCANS_PER_MINUTE = 1
    assert send(client_of(issuer), "169.254.169.254").status_code == 422
    answer = send(client_of(issuer), "169.254.169.254")
    assert answer.status_code == 429
    assert "1 times a minute" in said(answer)


def test_few_are_scanned_at_once(client_of, issuer, nothing_is_connected):
    for _ in range(scanning.AT_ONCE):
        scanning._slots.acquire()
    try:
        answer = send(client_of(issuer), "127.0.0.1:6443")
    finally:
        for _ in range(scanning.AT_ONCE):
            scanning._slots.release()
    assert answer.status_code == 429
    assert "scans are under way" in said(answer)
    assert outcomes() == []


def test_a_slot_is_free_again_whatever_came_of_it(client_of, issuer):
    with scripted(lambda line: line.close()) as port:
        for _ in range(scanning.AT_ONCE + 1):
            assert send(client_of(issuer), f"127.0.0.1:{port}").status_code == 200
