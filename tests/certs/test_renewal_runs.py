"""Many renewals in one go: what is listed, worked off, stopped, resumed; and requests cut off."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.accounts.roles import give_role
from aggportal.certs.jobs import end_abandoned, renew_many
from aggportal.certs.models import (
    Authority,
    Certificate,
    ItemState,
    Reason,
    RenewalItem,
    RenewalRun,
    RunState,
    SigningRequest,
    State,
)
from aggportal.certs.services.received import Decision, sign_request
from aggportal.certs.services.renewal_runs import (
    NothingToRenew,
    RunChanged,
    RunChoices,
    RunUnderWay,
    abandon_run,
    counts_of,
    outlook_of,
    resume_run,
    start_run,
    stop_run,
)
from aggportal.certs.services.renewal_work import renew_like_before, work_off_runs
from aggportal.ledger.models import Entry, Outcome
from aggportal.web.actors import Actor
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.requests_made import PROFILE, hand_in

pytestmark = pytest.mark.django_db
# A preset's certificate lives a year: made so long ago it ends within thirty days.
MADE = dt.timedelta(days=350)
SOON = RunChoices(within_days=30)


def ending_soon(authority: Authority, *names: str) -> list[Certificate]:
    return [make_certificate(authority, name, now=timezone.now() - MADE) for name in names]


def old_authority() -> Authority:
    return make_authority(now=timezone.now() - MADE)


def start(authority: Authority, choices: RunChoices = SOON, *, by: Actor = ANA) -> RenewalRun:
    return start_run(authority, choices, by=by, now=timezone.now())


def work(*, seconds: float = 60.0) -> int:
    return work_off_runs(now=timezone.now(), seconds=seconds)


def test_the_worker_renews_what_ends_soon_and_nothing_else():
    authority = old_authority()
    soon = ending_soon(authority, "a", "b")
    later = make_certificate(authority, "later")
    run = start(authority)
    renew_many(timezone.now())
    renew_many(timezone.now())
    run.refresh_from_db()
    assert run.state == RunState.DONE
    assert run.ended_at is not None
    for before in soon:
        item = RenewalItem.objects.get(certificate=before)
        assert (item.state, item.successor) == (ItemState.RENEWED, before.successor)
        assert before.successor.not_after > before.not_after
        assert before.successor.issued_by == "ana"
    assert not Certificate.objects.filter(predecessor=later).exists()


def test_what_cannot_be_renewed_is_told_beforehand_and_stands_in_the_run():
    authority = old_authority()
    good, unprofiled = ending_soon(authority, "a", "b")
    foreign = sign_request(
        hand_in(authority), Decision(profile=PROFILE), by=ANA, now=timezone.now() - MADE
    )
    Certificate.objects.filter(pk=unprofiled.pk).update(profile="gone")
    outlook = outlook_of(authority, SOON, now=timezone.now())
    assert list(outlook.possible) == [good]
    assert [list(each.certificates) for each in outlook.hindrances] == [[unprofiled], [foreign]]
    run = start(authority)
    assert counts_of(run) == {"waiting": 1, "renewed": 0, "refused": 2, "passed": 0, "proposed": 0}
    assert all(item.reason for item in run.items.filter(state=ItemState.REFUSED))


def test_with_the_same_keys_somebody_elses_are_renewed_and_compromised_ones_are_not():
    authority = old_authority()
    foreign = sign_request(
        hand_in(authority), Decision(profile=PROFILE), by=ANA, now=timezone.now() - MADE
    )
    (lost,) = ending_soon(authority, "a")
    twin = make_certificate(authority, "twin")
    Certificate.objects.filter(pk=twin.pk).update(
        spki_sha256=lost.spki_sha256,
        revoked_at=timezone.now(),
        revocation_reason=Reason.KEY_COMPROMISE,
    )
    start(authority, RunChoices(within_days=30, new_key=False))
    work()
    assert foreign.successor.spki_sha256 == foreign.spki_sha256
    assert not Certificate.objects.filter(predecessor=lost).exists()


def test_a_stopped_run_rests_until_it_is_resumed():
    authority = old_authority()
    ending_soon(authority, "a", "b", "c")
    run = start(authority)
    assert work(seconds=0) == 1
    stop_run(run, by=ANA, now=timezone.now())
    assert work() == 0
    assert counts_of(run)["renewed"] == 1
    resume_run(run, by=ANA, now=timezone.now())
    work()
    work()
    assert counts_of(run) == {"waiting": 0, "renewed": 3, "refused": 0, "passed": 0, "proposed": 0}
    assert Certificate.objects.count() == 6


def test_a_stopped_run_can_be_ended():
    authority = old_authority()
    ending_soon(authority, "a", "b")
    run = start(authority)
    stop_run(run, by=ANA, now=timezone.now())
    abandon_run(run, by=ANA, now=timezone.now())
    assert (run.state, counts_of(run)["passed"]) == (RunState.DONE, 2)
    assert start(authority).pk != run.pk


def test_states_change_once():
    authority = old_authority()
    ending_soon(authority, "a")
    run = start(authority)
    with pytest.raises(RunUnderWay):
        start(authority)
    stop_run(run, by=ANA, now=timezone.now())
    with pytest.raises(RunChanged):
        stop_run(run, by=ANA, now=timezone.now())
    resume_run(run, by=ANA, now=timezone.now())
    for deed in (resume_run, abandon_run):
        with pytest.raises(RunChanged):
            deed(run, by=ANA, now=timezone.now())


def test_nothing_to_renew_is_refused():
    authority = make_authority()
    make_certificate(authority)
    with pytest.raises(NothingToRenew):
        start(authority)


def test_what_somebody_renewed_meanwhile_is_passed_over():
    authority = old_authority()
    (before,) = ending_soon(authority, "a")
    run = start(authority)
    make_successor(before, name="somebody")
    work()
    item = run.items.get()
    assert (item.state, item.successor) == (ItemState.PASSED, before.successor)
    assert Certificate.objects.filter(predecessor=before).count() == 1


def test_a_worker_that_was_cut_off_after_signing_is_not_repeated():
    authority = old_authority()
    (before,) = ending_soon(authority, "a")
    run = start(authority)
    work()
    RenewalItem.objects.update(state=ItemState.WAITING, successor=None)
    RenewalRun.objects.update(state=RunState.RUNNING, ended_at=None)
    work()
    assert (run.items.get().state, Certificate.objects.count()) == (ItemState.RENEWED, 2)
    assert run.items.get().successor == before.successor


def test_what_would_gain_nothing_is_refused():
    authority = make_authority(expiry="8760h", now=timezone.now() - MADE)
    ending_soon(authority, "a")
    run = start(authority)
    work()
    assert "Renew the authority first" in run.items.get().reason


def test_one_that_fails_does_not_stop_the_others():
    authority = old_authority()
    broken, fine = ending_soon(authority, "a", "b")
    broken.material.request_spec = "{"
    broken.material.save()
    run = start(authority)
    work()
    assert run.items.get(certificate=broken).state == ItemState.REFUSED
    assert run.items.get(certificate=fine).state == ItemState.RENEWED


def test_whoever_may_issue_no_more_renews_no_more(issuer: User):
    authority = old_authority()
    ending_soon(authority, "a")
    run = start(authority, by=Actor(id=issuer.pk, name="ian"))
    give_role(issuer, None)
    work()
    run.refresh_from_db()
    assert (run.state, counts_of(run)["waiting"]) == (RunState.STOPPED, 1)
    stopped = Entry.objects.get(action="renewals.stopped")
    assert "may not issue" in stopped.detail["why"]


def test_the_ledger_has_the_whole_run():
    authority = old_authority()
    ending_soon(authority, "a")
    start(authority)
    work()
    work()
    told = Entry.objects.filter(action__startswith="renewals.").order_by("seq")
    assert [entry.action for entry in told] == ["renewals.started", "renewals.ended"]
    assert told[1].detail["renewed"] == 1


def make_successor(before: Certificate, *, name: str) -> Certificate:
    assert before.authority is not None
    by = Actor(id=None, name=name)
    return renew_like_before(before, before.authority, same_key=False, by=by, now=timezone.now())


def test_requests_cut_off_while_signing_are_ended_with_words():
    authority, now = make_authority(), timezone.now()
    make_certificate(authority)
    request = SigningRequest.objects.get()
    for seconds, ends in ((44, False), (46, True)):
        SigningRequest.objects.update(
            state=State.SIGNING, decided_at=None, requested_at=now - dt.timedelta(seconds=seconds)
        )
        end_abandoned(now)
        request.refresh_from_db()
        assert (request.state == State.FAILED) is ends
    assert "cut off" in request.reason
    entry = Entry.objects.get(action="request.abandoned")
    assert (entry.outcome, entry.object_id) == (Outcome.FAILED, str(request.pk))


def test_a_request_that_waited_long_and_is_being_signed_now_is_left_alone():
    asked = hand_in(make_authority())
    now = timezone.now()
    SigningRequest.objects.update(
        state=State.SIGNING, requested_at=now - dt.timedelta(days=9), decided_at=now
    )
    end_abandoned(now)
    asked.refresh_from_db()
    assert asked.state == State.SIGNING
