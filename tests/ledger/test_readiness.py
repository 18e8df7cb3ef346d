"""Nothing is signed while it could be lost unnoticed, or under a clock that cannot be right."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from aggportal.anchors.jobs import sign
from aggportal.certs.models import Certificate, SigningRequest
from aggportal.certs.services.crls import current_crl, served_crl
from aggportal.ledger.clock import AHEAD, ClockJumped, ClockWatch
from aggportal.ledger.models import Anchor, Checkpoint, ClockMark, Entry
from aggportal.ledger.readiness import NotAnchoredLately, require_anchored, require_ready_to_sign
from aggportal.ledger.restored import NotCompared
from aggportal.ledger.services import record
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.ledger.written import write

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def anchored(settings) -> dt.datetime:
    """Two places that know all entries; returns the present moment."""
    settings.LEDGER_ANCHORS = ["syslog://logs.example.org", "https://witness.example.org/"]
    write(3)
    for name in settings.LEDGER_ANCHORS:
        Anchor.objects.create(name=name, size=3)
    return timezone.now()


def test_without_news_old_anchors_are_enough(anchored: dt.datetime) -> None:
    require_anchored(now=anchored + 100 * HOUR)


def test_entries_that_one_of_two_places_did_not_hear_of_stop_signing(anchored: dt.datetime) -> None:
    write(1)
    Anchor.objects.filter(name__startswith="https").update(size=4)
    require_anchored(now=anchored + 3 * HOUR)
    with pytest.raises(NotAnchoredLately, match="more than 4 hours fewer than 2 places"):
        require_anchored(now=anchored + 5 * HOUR)
    Anchor.objects.update(size=4)
    require_anchored(now=anchored + 5 * HOUR)


def test_a_place_that_never_heard_counts_as_one(settings, anchored: dt.datetime) -> None:
    Anchor.objects.filter(name__startswith="syslog").delete()
    with pytest.raises(NotAnchoredLately):
        require_anchored(now=anchored + 5 * HOUR)
    settings.LEDGER_ANCHORS = ["https://witness.example.org/"]
    require_anchored(now=anchored + 5 * HOUR)


def test_without_anchors_nothing_is_asked() -> None:
    write(3)
    require_anchored(now=timezone.now() + 1000 * HOUR)


def test_late_anchors_leave_no_request_and_answer_503(
    settings, anchored: dt.datetime, client_of, administrator
) -> None:
    settings.LEDGER_ANCHORS = []
    authority = make_authority()
    settings.LEDGER_ANCHORS = ["syslog://logs.example.org"]
    Anchor.objects.all().delete()
    with pytest.raises(NotAnchoredLately):
        make_certificate(authority, now=timezone.now() + 5 * HOUR)
    assert not SigningRequest.objects.exists()
    assert NotAnchoredLately.status == 503


def mark(when: dt.datetime) -> None:
    ClockMark.objects.update_or_create(pk=1, defaults={"at": when})


def test_clock_jump(settings) -> None:
    settings.CLOCK_BACK_SECONDS = 120
    now = timezone.now()
    authority = make_authority()
    mark(now)
    make_certificate(authority, now=now - dt.timedelta(minutes=1))
    for wrong in (now - dt.timedelta(minutes=3), now + AHEAD + HOUR):
        with pytest.raises(ClockJumped, match="The clock says"):
            make_certificate(authority, now=wrong)
    assert Certificate.objects.count() == SigningRequest.objects.count() == 1


def test_without_a_worker_the_newest_entry_tells_of_a_clock_set_back(settings) -> None:
    settings.CLOCK_BACK_SECONDS = 120
    write(1)
    with pytest.raises(ClockJumped, match="set back"):
        require_ready_to_sign(now=timezone.now() - HOUR)
    require_ready_to_sign(now=timezone.now() + 100 * HOUR)


def test_a_weekend_with_the_worker_running_stops_nothing() -> None:
    watch, now = ClockWatch(), timezone.now()
    for hour in range(60):
        watch.mark(now=now + hour * HOUR, running=1000.0 + hour * 3600)
    require_ready_to_sign(now=now + 60 * HOUR)
    assert not Entry.objects.exists()


def test_after_a_week_switched_off_the_worker_goes_on_in_a_minute() -> None:
    now = timezone.now()
    mark(now - 7 * AHEAD)
    watch = ClockWatch()
    watch.mark(now=now, running=5.0)
    with pytest.raises(ClockJumped, match="start the worker"):
        require_ready_to_sign(now=now)
    watch.mark(now=now + dt.timedelta(seconds=61), running=66.0)
    require_ready_to_sign(now=now + dt.timedelta(seconds=61))
    assert Entry.objects.get().action == "clock.gap_passed"


def test_a_clock_that_jumps_while_the_worker_runs_is_not_believed() -> None:
    watch, now = ClockWatch(), timezone.now()
    watch.mark(now=now, running=5.0)
    for second in range(60, 600, 60):
        watch.mark(now=now + 9 * AHEAD + dt.timedelta(seconds=second), running=5.0 + second)
    with pytest.raises(ClockJumped):
        require_ready_to_sign(now=now + 9 * AHEAD)


def test_a_person_can_say_that_the_clock_is_right() -> None:
    mark(timezone.now() - 9 * AHEAD)
    call_command("confirm_clock", stdout=StringIO())
    require_ready_to_sign(now=timezone.now())
    assert Entry.objects.get().action == "clock.confirmed"


def test_after_a_restore_the_last_list_is_served_and_nothing_signed() -> None:
    authority = make_authority()
    before = served_crl(authority, now=timezone.now())
    record("portal.restored", actor=ANA, subject=("ledger", 1, "ledger"), detail={"size": 1})
    authority.refresh_from_db()
    type(authority).objects.filter(pk=authority.pk).update(crl_number=5000)
    authority.refresh_from_db()
    assert served_crl(authority, now=timezone.now()) == before == current_crl(authority)
    with pytest.raises(NotCompared, match="--against ANCHOR"):
        make_certificate(authority)
    with pytest.raises(NotCompared):
        make_authority("another")
    assert sign() is None
    assert not Checkpoint.objects.exists()


@pytest.mark.parametrize("path", ["/", "/audit/"])
def test_pages_say_why_nothing_is_signed(client_of, administrator, path: str) -> None:
    client = client_of(administrator)
    assert "Nothing is signed just now" not in client.get(path).text
    record("portal.restored", actor=ANA, subject=("ledger", 1, "ledger"), detail={"size": 1})
    page = client.get(path).text
    assert "Nothing is signed just now" in page
    assert "ledger_verify --against ANCHOR" in page
