"""Webhooks to a real server: signed, guarded, bounded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time

import pytest

from aggportal.kube.egress import EgressPolicy
from aggportal.kube.errors import EgressDenied
from aggportal.ledger.models import Entry
from aggportal.notices.errors import BadAddress, DeliveryFailed
from aggportal.notices.models import Channel, Delivery, SealedWebhook
from aggportal.notices.posting import post
from aggportal.notices.services.channels import ChannelChoices, change_channel, try_channel
from aggportal.notices.services.delivering import deliver_due
from aggportal.notices.services.noticing import notice_what_is_due
from aggportal.notices.webhooks import parse_target
from aggportal.vault.errors import CannotOpen
from tests.kube.conftest import authority, serve
from tests.kube.servers import answer
from tests.notices.makers import ADA, DAY, NOW, ending, make_authority, webhook_channel
from tests.notices.servers import Hook, hook_server

__all__ = ["authority", "serve"]

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes of a good secret").decode()


@pytest.fixture
def hook():
    with hook_server(Hook()) as found:
        yield found


def signature_by_the_book(posted, key):
    """As a receiver computes it, from the published description alone."""
    signed = f"{posted.headers['webhook-id']}.{posted.headers['webhook-timestamp']}."
    digest = hmac.new(key, signed.encode() + posted.body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def test_a_notice_is_posted_as_json_and_signed(hook):
    authority = make_authority(now=NOW - 60 * DAY)
    certificate = ending(authority, days=7, owner="olga")
    webhook_channel(f"{hook.url}/in?token=abc", secret=SECRET)
    notice_what_is_due(now=NOW)
    assert deliver_due(clock=lambda: NOW) == 1
    [posted] = hook.posted
    assert posted.path == "/in?token=abc"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["webhook-id"] == str(Delivery.objects.get().uid)
    assert posted.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    key = b"thirty-two bytes of a good secret"
    assert posted.headers["webhook-signature"] == signature_by_the_book(posted, key)
    document = json.loads(posted.body)
    [notice] = document["notices"]
    assert (document["type"], notice["threshold_days"], notice["owner"]) == (
        "aggportal.notices",
        7,
        "olga",
    )
    assert (notice["serial"], notice["sha256"]) == (
        certificate.serial,
        certificate.fingerprint_sha256,
    )
    assert notice["authority"] == "front-proxy-ca"


def test_without_a_secret_nothing_is_signed(hook):
    try_channel(webhook_channel(hook.url), by=ADA, now=NOW)
    assert "webhook-signature" not in hook.posted[0].headers
    assert json.loads(hook.posted[0].body)["type"] == "aggportal.test"


def test_a_second_attempt_carries_the_same_id(hook):
    hook.answer = lambda number: 500 if number == 1 else 200
    ending(make_authority(now=NOW - 60 * DAY), days=7)
    webhook_channel(hook.url)
    notice_what_is_due(now=NOW)
    assert deliver_due(clock=lambda: NOW) == 0
    assert deliver_due(clock=lambda: NOW) == 0
    assert "answered with status 500" in str(Delivery.objects.get().why)
    assert deliver_due(clock=lambda: Delivery.objects.get().next_try_at) == 1
    assert len({posted.headers["webhook-id"] for posted in hook.posted}) == 1
    assert len(hook.posted) == 2


def test_a_redirect_is_not_followed(hook):
    hook.answer, hook.location = (lambda number: 307), "http://169.254.169.254/"
    with pytest.raises(DeliveryFailed, match="redirects"):
        try_channel(webhook_channel(hook.url), by=ADA, now=NOW)
    assert len(hook.posted) == 1


def test_an_address_that_is_denied_is_not_connected_to(hook, settings):
    channel = webhook_channel(hook.url)
    settings.EGRESS_DENY = ["127.0.0.0/8"]
    with pytest.raises(EgressDenied):
        try_channel(channel, by=ADA, now=NOW)
    settings.EGRESS_DENY = []
    with pytest.raises(EgressDenied):
        try_channel(webhook_channel("http://169.254.169.254/latest", name="meta"), by=ADA, now=NOW)
    assert hook.posted == []


def test_a_server_that_drips_its_answer_is_cut_off_in_time():
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        conn, _ = listener.accept()
        with conn:
            try:
                for byte in b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 1000:
                    conn.sendall(bytes([byte]))
                    time.sleep(0.1)
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    target = parse_target(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    begun = time.monotonic()
    with pytest.raises(DeliveryFailed, match="did not answer within 1 s"):
        post(target, b"{}", {}, policy=EgressPolicy(), seconds=1)
    assert time.monotonic() - begun < 30  # it would drip for a hundred seconds
    listener.close()


def test_a_given_authority_is_trusted_and_no_other(serve, authority):
    server = serve(lambda conn, asked: answer(conn, 200, b""))
    channel = webhook_channel(f"{server.url}/x", ca_pem=authority.pem)
    try_channel(channel, by=ADA, now=NOW)
    change_channel(channel, ChannelChoices(name="hook", ca_pem=""), by=ADA, now=NOW)
    with pytest.raises(DeliveryFailed, match="is not trusted"):
        try_channel(channel, by=ADA, now=NOW)
    assert [asked.target for asked in server.asked] == ["/x"]


def test_address_and_secret_are_sealed_and_stand_in_no_record(hook):
    channel = webhook_channel(f"{hook.url}/services/T0/very-secret", secret="a-plain-long-secret")
    change_channel(channel, ChannelChoices(name="renamed"), by=ADA, now=NOW)
    try_channel(channel, by=ADA, now=NOW)
    assert channel.target == hook.url
    rows = [*Channel.objects.values(), *SealedWebhook.objects.values(), *Entry.objects.values()]
    assert "very-secret" not in repr(rows)
    assert "a-plain-long-secret" not in repr(rows)
    assert hook.posted[0].path == "/services/T0/very-secret"


def test_a_sealed_address_that_is_moved_to_another_channel_does_not_open(hook):
    one, two = webhook_channel(hook.url), webhook_channel("https://example.com/", name="two")
    Channel.objects.filter(pk=one.pk).update(sealed=None, kind="email")
    Channel.objects.filter(pk=two.pk).update(sealed=one.sealed)
    with pytest.raises(CannotOpen):
        try_channel(Channel.objects.get(pk=two.pk), by=ADA, now=NOW)


def test_a_new_address_keeps_the_secret_and_the_old_row_goes(hook):
    channel = webhook_channel("https://old.example.com/", secret="a-plain-long-secret")
    choices = ChannelChoices(name="hook", url=f"{hook.url}/new")
    change_channel(channel, choices, by=ADA, now=NOW)
    try_channel(channel, by=ADA, now=NOW)
    [posted] = hook.posted
    expected = signature_by_the_book(posted, b"a-plain-long-secret")
    assert posted.headers["webhook-signature"] == expected
    assert SealedWebhook.objects.count() == 1


@pytest.mark.parametrize(
    ("url", "shown", "rest"),
    [
        ("https://example.com", "https://example.com", "/"),
        ("http://example.com:8080/a?b=c", "http://example.com:8080", "/a?b=c"),
        ("HTTPS://Example.com/X", "https://example.com", "/X"),
        ("https://[2001:db8::1]:444?q", "https://[2001:db8::1]:444", "/?q"),
        ("http://example.com:80/", "http://example.com", "/"),
    ],
)
def test_an_address_is_read(url, shown, rest):
    target = parse_target(url)
    assert (target.shown, target.rest) == (shown, rest)
    assert "rest" not in repr(target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com",
        "https://",
        "https:///x",
        "https://user:pw@example.com/",
        "https://example.com/#x",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://example.com\\@evil.example",
        "https://127.1/",
        "https://2130706433/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa\u202emple.com/",
        "https://example.com/" + "x" * 3000,
    ],
)
def test_what_is_no_address_is_refused_with_words(url):
    with pytest.raises(BadAddress):
        parse_target(url)
