"""Mail through a real server."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.test import override_settings

from aggportal.notices.errors import DeliveryFailed, NotConfigured
from aggportal.notices.models import Delivery, DeliveryState
from aggportal.notices.services.channels import try_channel
from aggportal.notices.services.delivering import deliver_due
from aggportal.notices.services.noticing import notice_what_is_due
from tests.notices.makers import ADA, DAY, NOW, ending, mail_channel, make_authority
from tests.notices.servers import Mailbox, mail_server

pytestmark = pytest.mark.django_db
SMTP = "aggportal.notices.mailing.CheckedBackend"


@pytest.fixture
def mailbox(settings):
    with mail_server(Mailbox()) as box:
        settings.EMAIL_CONFIGURED = True
        settings.EMAIL_BACKEND = SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        settings.EMAIL_TIMEOUT = 2
        settings.DEFAULT_FROM_EMAIL = "AggPortal <portal@example.org>"
        settings.PUBLIC_URL = "https://portal.example.org"
        yield box


@pytest.fixture
def authority():
    return make_authority(now=NOW - 60 * DAY)


def go(*, days: float = 0) -> int:
    now = NOW + days * DAY
    notice_what_is_due(now=now)
    return deliver_due(clock=lambda: now)


def test_a_notice_arrives_with_what_ends_when_and_where(mailbox, authority):
    certificate = ending(authority, days=7)
    mail_channel("ops", "ops@example.com", "more@example.com")
    assert go() == 1
    [(recipients, mail)] = mailbox.mails
    assert recipients == ["ops@example.com", "more@example.com"]
    assert mail["Subject"] == (
        "AggPortal: The certificate api ends in 1\xa0week (2027-03-08 12:00 UTC).".replace(
            "\xa0", " "
        )
    )
    assert mail["From"] == "AggPortal <portal@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert str(Delivery.objects.get().uid) in mail["Message-ID"]
    body = mail.get_content()
    assert mail.get_content_type() == "text/plain"
    assert f"https://portal.example.org/certificates/{certificate.pk}/" in body
    assert "front-proxy-ca" in body


def test_without_a_public_address_the_mail_names_paths(mailbox, authority, settings):
    settings.PUBLIC_URL = ""
    certificate = ending(authority, days=7)
    mail_channel()
    go()
    body = mailbox.mails[0][1].get_content()
    assert f"\n  /certificates/{certificate.pk}/" in body


def test_a_name_cannot_add_a_header_or_turn_the_text_round(mailbox, authority):
    ending(authority, days=7, common_name="api\r\nBcc: eve@example.com\u202egnp.exe")
    mail_channel()
    assert go() == 1
    [(recipients, mail)] = mailbox.mails
    assert recipients == ["ops@example.com"]
    assert mail["Bcc"] is None
    assert "api\\u{000D}\\u{000A}Bcc" in mail["Subject"]
    assert "\u202e" not in mail["Subject"] + mail.get_content()


def test_an_owner_reads_of_what_is_theirs_alone(mailbox, authority):
    ending(authority, "mine", days=7, owner="olga@example.com")
    ending(authority, "theirs", days=7, owner="the platform team")
    mail_channel("ops", "ops@example.com", to_owner=True)
    assert go() == 1
    found = {tuple(to): mail.get_content() for to, mail in mailbox.mails}
    assert set(found) == {("ops@example.com",), ("olga@example.com",)}
    assert "mine" in found[("olga@example.com",)]
    assert "theirs" not in found[("olga@example.com",)]
    assert "theirs" in found[("ops@example.com",)]


def test_who_has_their_mail_gets_no_second_when_another_failed(mailbox, authority):
    ending(authority, days=7, owner="olga@example.com")
    mail_channel("ops", "ops@example.com", to_owner=True)
    notice_what_is_due(now=NOW)
    deliver_due(clock=lambda: NOW)
    Delivery.objects.update(state=DeliveryState.PENDING, reached=["ops@example.com"])
    deliver_due(clock=lambda: NOW + DAY)
    assert [to for to, _ in mailbox.mails] == [
        ["ops@example.com"],
        ["olga@example.com"],
        ["olga@example.com"],
    ]


def test_a_digest_groups_by_authority_soonest_first(mailbox, authority):
    other = make_authority("zeta-ca", now=NOW - 60 * DAY)
    ending(authority, "late", days=12)
    ending(authority, "early", days=6)
    ending(other, "first", days=1)
    mail_channel(rhythm="daily", hour=18)
    assert go() == 0
    assert go(days=0.24) == 0
    assert go(days=0.26) == 1
    [(_, mail)] = mailbox.mails
    body = mail.get_content()
    order = [body.index(word) for word in ("zeta-ca", "first", "front-proxy-ca", "early", "late")]
    assert order == sorted(order)
    assert mail["Subject"].startswith("AggPortal: 3 notices, the first: The certificate first")
    assert go(days=0.27) == 0


def test_a_late_digest_says_what_was_renewed_revoked_or_put_on_hold_since(mailbox, authority):
    renewed = ending(authority, "renewed", days=6)
    revoked, held = (ending(authority, name, days=6) for name in ("revoked", "held"))
    mail_channel(rhythm="weekly", weekday=2, hour=0)
    assert go() == 0
    ending(authority, "renewed", days=300, predecessor=renewed)
    for row, reason in ((revoked, "superseded"), (held, "certificateHold")):
        type(row).objects.filter(pk=row.pk).update(revoked_at=NOW, revocation_reason=reason)
    assert go(days=2) == 1
    body = mailbox.mails[0][1].get_content()
    assert "its successor lasts until 2027-12-26" in body
    assert "It was revoked since: nothing is to be done." in body
    assert "It is on hold since: release it, or revoke it for good." in body


def test_a_server_that_refuses_is_asked_again_later_and_given_up_at_last(mailbox, authority):
    ending(authority, days=7)
    mail_channel()
    mailbox.refuse = "550 no such user here"
    assert go() == 0
    delivery = Delivery.objects.get()
    assert "refuses the recipients" in str(delivery.why)
    tried = [NOW]
    while delivery.state == DeliveryState.PENDING:
        tried.append(delivery.next_try_at)
        deliver_due(clock=lambda: tried[-1])
        delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, len(tried))
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert DAY < tried[-1] - NOW < 3 * DAY


def test_a_server_that_is_away_is_told_of_in_words(settings):
    settings.EMAIL_CONFIGURED, settings.EMAIL_BACKEND = True, SMTP
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    with pytest.raises(DeliveryFailed, match=r"127\.0\.0\.1:9 is not reached"):
        try_channel(mail_channel(), by=ADA, now=NOW)


@override_settings(EMAIL_CONFIGURED=False)
def test_without_configuration_nothing_pretends_to_leave():
    with pytest.raises(NotConfigured, match="AGGPORTAL_EMAIL_URL"):
        try_channel(mail_channel(), by=ADA, now=NOW)


def test_a_test_arrives(mailbox):
    try_channel(mail_channel(), by=ADA, now=NOW)
    assert mailbox.mails[0][1]["Subject"] == "AggPortal: a test"
