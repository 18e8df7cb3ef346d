"""Each place hears of the newest checkpoint; what fails is told and tried again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pytest
from django.core.checks import run_checks

from aggportal.anchors.anchoring import REST, anchor_newest
from aggportal.anchors.errors import NotAnchored
from aggportal.anchors.jobs import sign
from aggportal.ledger.anchored import LATE, stand_of_anchors
from aggportal.ledger.checkpointing import make_checkpoint
from aggportal.ledger.models import Anchor, Entry
from aggportal.ledger.offline import Note
from tests.ledger.written import write

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


@dataclass
class Place:
    name: str = "a place"
    fails: bool = False
    taken: list[int] = field(default_factory=list)

    def take(self, note: str, *, now: dt.datetime) -> None:
        if self.fails:
            raise NotAnchored("It is closed.")
        self.taken.append(Note(note).size)


def grow(count: int) -> None:
    write(count)
    make_checkpoint(now=NOW, at_once=True)


def test_the_newest_goes_everywhere_once() -> None:
    places = [Place("one"), Place("two")]
    assert anchor_newest(now=NOW, sinks=places) == 0
    grow(3)
    assert anchor_newest(now=NOW, sinks=places) == 2
    assert anchor_newest(now=NOW, sinks=places) == 0
    grow(1)
    anchor_newest(now=NOW, sinks=places)
    assert [place.taken for place in places] == [[3, 4], [3, 4]]


def test_a_place_that_fails_holds_up_no_other_and_is_asked_again() -> None:
    good, bad = Place("good"), Place("bad", fails=True)
    grow(2)
    assert anchor_newest(now=NOW, sinks=[bad, good]) == 1
    row = Anchor.objects.get(name="bad")
    assert str(row.trouble_sentence) == "It is closed."
    assert row.failing_since == NOW
    bad.fails = False
    assert anchor_newest(now=NOW + REST / 2, sinks=[bad, good]) == 0
    assert anchor_newest(now=NOW + REST, sinks=[bad, good]) == 1
    row.refresh_from_db()
    assert row.size == 2
    assert row.trouble is None


def test_a_place_that_is_configured_no_more_is_forgotten() -> None:
    grow(1)
    anchor_newest(now=NOW, sinks=[Place("one"), Place("two")])
    anchor_newest(now=NOW, sinks=[Place("two")])
    assert [row.name for row in Anchor.objects.all()] == ["two"]


def test_entries_that_no_place_knows_for_a_quarter_of_an_hour_are_told_of() -> None:
    place = Place()
    grow(1)
    anchor_newest(now=NOW, sinks=[place])
    write(1)
    Entry.objects.filter(seq=2).update(at=NOW)
    assert not stand_of_anchors(now=NOW + LATE).is_late
    assert stand_of_anchors(now=NOW + LATE * 2).is_late


def test_a_deployment_without_two_places_is_warned_of(settings) -> None:
    def found() -> set[str | None]:
        checks = run_checks(include_deployment_checks=True)
        return {each.id for each in checks if (each.id or "").startswith("anchors")}

    assert found() == {"anchors.W001"}
    settings.LEDGER_ANCHORS = ["file:/var/log/checkpoints", "syslog://logs.example.org"]
    assert found() == set()
    settings.LEDGER_ANCHORS = ["gopher://hole", "file:relative"]
    assert found() == {"anchors.E001"}
    settings.LEDGER_ANCHORS = ["https://one.example/a", "https://one.example/a"]
    assert found() == {"anchors.E002"}
    settings.LEDGER_ANCHORS = ["https://one.example/a", "https://one.example/b"]
    assert found() == set()


def test_a_broken_ledger_is_told_of_in_the_log_and_ends_no_thread(caplog) -> None:
    write(3)
    Entry.objects.filter(seq=2).update(actor_name="eve")
    assert sign() is None
    assert "broken at entry 2" in caplog.text
