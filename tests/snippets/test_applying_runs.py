"""Runs of a set that overtake one another, and faults in the middle of one."""

from __future__ import annotations

import pytest
from django.utils import timezone

from aggportal.clusters.models import ExtensionSet, ObjectState
from aggportal.clusters.models import SetState as State
from aggportal.kube import studio
from aggportal.ledger.models import Entry, Outcome
from aggportal.snippets.services import set_work
from aggportal.snippets.services.sets import resume_set, stop_set
from tests.certs.makers import ANA
from tests.snippets.applying_made import go_on


def told():
    rows = Entry.objects.filter(action="extension.applied").order_by("seq")
    return list(rows.values_list("outcome", flat=True))


def raising(error):
    def fail(*args, **kwargs):
        raise error

    return fail


def test_a_thread_of_an_earlier_run_writes_nothing_more(begun, api, monkeypatch):
    row, real = begun(), studio.apply_object

    def overtaken(*args, **kwargs):
        done = real(*args, **kwargs)
        stop_set(row, by=ANA, now=timezone.now())
        resume_set(row, by=ANA, now=timezone.now())
        return done

    monkeypatch.setattr(studio, "apply_object", overtaken)
    assert go_on(row).state == State.RUNNING
    assert len(api.written) == 1
    assert set(row.steps.values_list("state", flat=True)) == {ObjectState.WAITING}
    monkeypatch.undo()
    assert go_on(row).state == State.DONE


def test_an_earlier_run_neither_fails_nor_ends_the_present_one(begun):
    row = begun()
    stop_set(row, by=ANA, now=timezone.now())
    resume_set(ExtensionSet.objects.get(), by=ANA, now=timezone.now())
    set_work._finish(row, now=timezone.now())
    set_work._fail(row, None, set_work.PortalFault("x"), now=timezone.now())
    assert ExtensionSet.objects.get().state == State.RUNNING
    assert told() == [Outcome.INTENDED]


def test_a_fault_stops_the_set_with_a_general_sentence(begun, monkeypatch):
    row = begun()
    monkeypatch.setattr(studio, "apply_object", raising(TypeError("inner words")))
    assert go_on(row).state == State.STOPPED
    assert str(row.trouble_sentence) == "It stopped at a fault of the portal; its log has it."
    assert told() == [Outcome.INTENDED, Outcome.FAILED]


def test_a_state_without_its_ledger_entry_is_not_kept(begun, monkeypatch):
    row = begun()
    monkeypatch.setattr(set_work, "teller_of", raising(TypeError("no ledger")))
    with pytest.raises(TypeError):
        set_work._finish(row, now=timezone.now())
    row.refresh_from_db()
    assert row.state == State.RUNNING
