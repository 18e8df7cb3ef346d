"""The feed: parsed back, its token kept nowhere, its person's role asked each time."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from aggportal.accounts.roles import give_role
from aggportal.certs.models import Authority, RevocationList
from aggportal.ledger.models import Entry
from aggportal.notices.logs import FeedTokensHidden
from aggportal.notices.models import CalendarFeed, Policy
from aggportal.notices.services.calendars import write_calendar
from tests.notices.makers import DAY, NOW, ending, make_authority

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def make(client):
    """Make a feed as a person does, and return its path."""
    answer = client.post(reverse("notices:calendar_make"))
    assert answer["Cache-Control"] == "no-store"
    found = re.search(r"/notices/calendar/[\w-]+\.ics", answer.content.decode())
    assert found
    return found[0]


def events(now=NOW):
    return {event["summary"]: event for event in Calendar.from_ical(write_calendar(now=now)).events}


def test_each_end_is_an_event_with_its_alarms(settings):
    settings.PUBLIC_URL = "https://portal.example.org"
    authority = make_authority(now=NOW - 60 * DAY)
    certificate = ending(authority, days=100)
    RevocationList.objects.create(
        authority=authority,
        number=1,
        this_update=NOW,
        next_update=NOW + 7 * DAY,
        entries=0,
        der=b"",
    )
    found = events()
    assert set(found) == {
        "Certificate api ends",
        "Authority front-proxy-ca ends",
        "Revocation list of front-proxy-ca ends",
    }
    event = found["Certificate api ends"]
    assert event.start == certificate.not_after
    assert event["uid"] == f"certificate-{certificate.fingerprint_sha256}@aggportal"
    assert event["url"] == f"https://portal.example.org/certificates/{certificate.pk}/"
    triggers = [alarm["trigger"].dt for alarm in event.walk("VALARM")]
    assert triggers == [-30 * DAY, -14 * DAY, -7 * DAY, -DAY]


def test_a_name_cannot_break_out_of_its_line():
    authority = make_authority(now=NOW - 60 * DAY)
    name = "a;b,c\\d\r\nBEGIN:VALARM\nX:" + "ü" * 90 + "\u202e"
    ending(authority, days=100, common_name=name)
    written = write_calendar(now=NOW)
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert b"\nBEGIN:VALARM\nX" not in written
    [summary] = [each for each in events() if each.startswith("Certificate")]
    assert summary.startswith("Certificate a;b,c\\d\\u{000D}\\u{000A}BEGIN:VALARM")
    assert "\u202e" not in summary


def test_the_event_of_an_authority_moves_with_its_renewal_and_keeps_its_name():
    authority = make_authority(now=NOW - 60 * DAY)
    before = events()["Authority front-proxy-ca ends"]
    Authority.objects.filter(pk=authority.pk).update(not_after=NOW + 999 * DAY)
    after = events()["Authority front-proxy-ca ends"]
    assert before["uid"] == after["uid"]
    assert after.start == NOW + 999 * DAY


def test_what_is_renewed_revoked_or_over_is_in_no_calendar():
    authority = make_authority(now=NOW - 60 * DAY)
    old = ending(authority, "renewed", days=5)
    ending(authority, "renewed", days=300, predecessor=old)
    ending(authority, "revoked", days=5, revoked_at=NOW, revocation_reason="superseded")
    ending(authority, "over", days=-1)
    found = [event for name, event in events().items() if name.startswith("Certificate")]
    assert [event.start for event in found] == [NOW + 300 * DAY]


def test_a_policy_that_is_off_rings_no_alarm():
    authority = make_authority(now=NOW - 60 * DAY)
    ending(authority, days=100)
    Policy.objects.create(authority=authority, enabled=False)
    assert not events()["Certificate api ends"].walk("VALARM")


def test_the_feed_is_read_without_signing_in_and_asked_for_again_cheaply(viewer, client_of):
    make_authority()
    path, calendar = make(client_of(viewer)), Client()
    first = calendar.get(path)
    assert first.status_code == 200
    assert first["Content-Type"] == "text/calendar; charset=utf-8"
    assert len(Calendar.from_ical(first.content).events) == 1
    assert not first.cookies
    again = calendar.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert calendar.head(path).status_code == 200
    assert calendar.post(path).status_code == 405
    assert CalendarFeed.objects.get().fetched_at is not None


def test_the_token_is_shown_once_and_kept_nowhere(viewer, client_of):
    client = client_of(viewer)
    path = make(client)
    token = path.removeprefix("/notices/calendar/").removesuffix(".ics")
    assert token not in client.get(reverse("notices:calendar_show")).content.decode()
    kept = [*CalendarFeed.objects.values(), *Entry.objects.values()]
    assert token not in repr(kept)


def test_a_new_address_ends_the_old_one_and_ending_ends_it(viewer, client_of):
    client, calendar = client_of(viewer), Client()
    old, new = make(client), make(client)
    assert calendar.get(old).status_code == 404
    assert calendar.get(new).status_code == 200
    assert client.post(reverse("notices:calendar_end")).status_code == 302
    assert calendar.get(new).status_code == 404
    assert client.post(reverse("notices:calendar_end")).status_code == 409
    actions = Entry.objects.filter(action__startswith="calendar.").values_list("action", flat=True)
    assert sorted(actions) == ["calendar.ended", "calendar.made", "calendar.made"]


def test_a_person_who_may_read_no_more_has_a_feed_no_more(viewer, client_of):
    path = make(client_of(viewer))
    give_role(viewer, None)
    assert Client().get(path).status_code == 404
    assert Client().get("/notices/calendar/guess.ics").status_code == 404


def test_a_stranger_makes_no_feed(stranger, client_of):
    assert client_of(stranger).post(reverse("notices:calendar_make")).status_code == 403
    assert Client().get(reverse("notices:calendar_show")).status_code == 302
    assert client_of(stranger).get(reverse("notices:calendar_show")).status_code == 403


def test_feeds_and_pages_by_get_alone(viewer, client_of):
    client = client_of(viewer)
    assert client.get(reverse("notices:calendar_make")).status_code == 405
    assert client.get(reverse("notices:calendar_end")).status_code == 405
    assert client.post(reverse("notices:calendar_show")).status_code == 405


def test_the_log_does_not_tell_a_token(settings):
    assert "feed_tokens" in settings.LOGGING["handlers"]["stderr"]["filters"]
    text, path = "Not Found: %s", "/notices/calendar/a-Token_1.ics"
    record = logging.LogRecord("django.request", 30, "", 0, text, (path,), None)
    assert FeedTokensHidden().filter(record)
    assert record.getMessage() == "Not Found: /notices/calendar/….ics"
    plain = logging.LogRecord("x", 30, "", 0, f'"GET {path} HTTP/1.1" 404', None, None)
    FeedTokensHidden().filter(plain)
    assert "a-Token_1" not in plain.getMessage()


def test_the_server_writes_no_log_of_addresses():
    for name in ("gunicorn.conf.py", "Procfile"):
        assert "access" not in (ROOT / "deploy" / name).read_text()


def test_times_are_utc():
    ending(make_authority(now=NOW - 60 * DAY), days=100)
    assert b"DTSTART:20270609T120000Z" in write_calendar(now=NOW)
