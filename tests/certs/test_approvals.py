"""Approvals: exactly these bytes, by somebody else, in time, once."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from aggportal.certs.models import Approval, Proposal, ProposalState
from aggportal.certs.services.approvals import (
    AlreadyApproved,
    AlreadyProposed,
    Deed,
    NotApproved,
    ProposalOver,
    SelfApproval,
    approve,
    propose,
    reject,
    require_approved,
)
from aggportal.ledger.models import Entry
from tests.certs.makers import ANA
from tests.certs.people import person

pytestmark = pytest.mark.django_db
BYTES, OTHER = "a" * 64, "b" * 64
SUBJECT = ("authority", "root")
LONG = dt.timedelta(hours=25)


def proposed(*, votes: int = 1, now: dt.datetime | None = None) -> Proposal:
    deed = Deed(kind="export", subject=SUBJECT, label="Root", sha256=BYTES, votes=votes)
    return propose(deed, by=person("asker"), now=now or timezone.now())


def use(sha256: str = BYTES, *, votes: int = 1, now: dt.datetime | None = None) -> Proposal:
    by = person("asker")
    return require_approved(
        "export", SUBJECT, sha256, votes=votes, by=by, now=now or timezone.now()
    )


def test_another_persons_yes_counts_once_and_the_ledger_has_each_step() -> None:
    proposal = proposed()
    approve(proposal, sha256=BYTES, by=person("other"), now=timezone.now())
    assert use().state == ProposalState.USED
    with pytest.raises(NotApproved):
        use()
    told = Entry.objects.filter(action__startswith="approval.").order_by("seq")
    actions = list(told.values_list("action", "actor_name"))
    assert actions == [
        ("approval.asked", "asker"),
        ("approval.given", "other"),
        ("approval.used", "asker"),
    ]


def test_nobody_approves_their_own_and_the_database_says_so_too() -> None:
    proposal, asker = proposed(), person("asker")
    with pytest.raises(SelfApproval):
        approve(proposal, sha256=BYTES, by=asker, now=timezone.now())
    with pytest.raises(SelfApproval):
        approve(proposal, sha256=BYTES, by=ANA, now=timezone.now())
    third = person("third")
    with pytest.raises(SelfApproval):
        approve(proposal, sha256=BYTES, by=third, now=timezone.now(), not_by=[third.id or 0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(
            proposal=proposal,
            asked_by_id=asker.id,
            approved_by_id=asker.id or 0,
            approver_name="asker",
            approved_at=timezone.now(),
        )
    assert not Approval.objects.exists()


def test_other_bytes_are_not_approved() -> None:
    proposal = proposed()
    with pytest.raises(NotApproved):
        approve(proposal, sha256=OTHER, by=person("other"), now=timezone.now())
    approve(proposal, sha256=BYTES, by=person("other"), now=timezone.now())
    with pytest.raises(NotApproved):
        use(OTHER)
    assert use().sha256 == BYTES


def test_two_votes_are_two_peoples() -> None:
    proposal, other = proposed(votes=2), person("other")
    approve(proposal, sha256=BYTES, by=other, now=timezone.now())
    with pytest.raises(AlreadyApproved):
        approve(proposal, sha256=BYTES, by=other, now=timezone.now())
    with pytest.raises(NotApproved, match="1 of 2"):
        use(votes=2)
    approve(proposal, sha256=BYTES, by=person("third"), now=timezone.now())
    assert use(votes=2).state == ProposalState.USED


def test_one_vote_is_not_enough_for_a_deed_that_wants_two() -> None:
    approve(proposed(votes=1), sha256=BYTES, by=person("other"), now=timezone.now())
    with pytest.raises(NotApproved):
        use(votes=2)


def test_what_is_too_old_must_be_proposed_anew() -> None:
    now = timezone.now()
    proposal = proposed(now=now - LONG)
    with pytest.raises(ProposalOver):
        approve(proposal, sha256=BYTES, by=person("other"), now=now)
    again = proposed(now=now)
    proposal.refresh_from_db()
    assert (proposal.state, again.state) == (ProposalState.EXPIRED, ProposalState.OPEN)


def test_a_yes_does_not_outlive_its_proposal() -> None:
    now = timezone.now()
    approve(proposed(now=now), sha256=BYTES, by=person("other"), now=now)
    with pytest.raises(NotApproved):
        use(now=now + LONG)


def test_a_deed_waits_once_and_a_rejected_one_is_over() -> None:
    proposal = proposed()
    with pytest.raises(AlreadyProposed):
        proposed()
    reject(proposal, reason="Not now.", by=person("other"), now=timezone.now())
    with pytest.raises(ProposalOver):
        approve(proposal, sha256=BYTES, by=person("third"), now=timezone.now())
    with pytest.raises(ProposalOver):
        reject(proposal, reason="", by=person("third"), now=timezone.now())
    assert proposed().state == ProposalState.OPEN
