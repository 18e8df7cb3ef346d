"""Approvals: one person proposes a deed, another one says yes to exactly these bytes, and it is
done once.

What is approved is told by SHA-256 alone; a deed that would be another than the one that was looked
at finds no approval. The database settles who is first and that nobody approves their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction

from aggportal.certs.models import Approval, Proposal, ProposalState
from aggportal.ledger.services import record
from aggportal.web.actors import Actor, system_actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

Subject = tuple[str, object]
_FEW = 100
MAX_REASON = 500


class SelfApproval(RefusedError):
    """Somebody would approve what they asked for themselves."""

    code = "self-approval"
    status = 403


class AlreadyApproved(RefusedError):
    """This person said yes before: a second yes of theirs counts for nothing."""

    code = "already-approved"


class AlreadyProposed(RefusedError):
    """The same deed waits for another person already."""

    code = "already-proposed"


class ProposalOver(RefusedError):
    """The proposal was used, rejected or has expired."""

    code = "proposal-over"


class NotApproved(RefusedError):
    """Nobody else, or too few, approved exactly this."""

    code = "not-approved"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What is proposed: `kind` of deed, `subject` as in ("request", 7), the SHA-256 (hex) of its
    exact bytes; how many others must say yes; why it is needed.
    """

    kind: str
    subject: Subject
    label: str
    sha256: str
    votes: int = 1
    reason: str = ""


@transaction.atomic
def propose(deed: Deed, *, by: Actor, now: dt.datetime) -> Proposal:
    """Let a deed wait for other people, for `AGGPORTAL_APPROVAL_HOURS`.

    What expired before is ended. Raises `AlreadyProposed` while one for the same thing is open.
    """
    for old in Proposal.objects.about(deed.kind, deed.subject).overdue(now=now):
        expire(old, now=now)
    subject_kind, subject_id = deed.subject
    try:
        with transaction.atomic():
            proposal = Proposal.objects.create(
                kind=deed.kind,
                subject_kind=subject_kind,
                subject_id=str(subject_id),
                label=deed.label[:300],
                sha256=deed.sha256,
                votes_needed=deed.votes,
                reason=deed.reason[:MAX_REASON],
                asked_at=now,
                asked_by_id=by.id,
                asker_name=by.name,
                expires_at=now + dt.timedelta(hours=settings.APPROVAL_HOURS),
            )
    except IntegrityError as clash:
        raise AlreadyProposed(
            _n("This waits for another person's approval already. Look at that proposal.")
        ) from clash
    _tell(proposal, "approval.asked", by=by, now=now)
    return proposal


@transaction.atomic
def approve(
    proposal: Proposal,
    *,
    sha256: str,
    by: Actor,
    now: dt.datetime,
    not_by: Collection[int] = (),
) -> Approval:
    """Give one person's yes to the bytes with `sha256`, which is what they looked at.

    `not_by` are people who may not say yes besides whoever asked. Raises `SelfApproval`,
    `AlreadyApproved`, `ProposalOver`, and `NotApproved` for other bytes than were proposed.
    """
    locked = Proposal.objects.select_for_update().get(pk=proposal.pk)
    person = require_another_person(locked, by=by, not_by=not_by)
    require_open(locked, now=now)
    if sha256 != locked.sha256:
        raise NotApproved(
            _n("What you looked at is not what is proposed. Look at it again, then approve it.")
        )
    try:
        with transaction.atomic():
            approval = Approval.objects.create(
                proposal=locked,
                asked_by_id=locked.asked_by_id,
                approved_by_id=person,
                approver_name=by.name,
                approved_at=now,
            )
    except IntegrityError as clash:
        raise AlreadyApproved(
            _n("You have approved this before; it needs the approval of somebody else too.")
        ) from clash
    _tell(locked, "approval.given", by=by, now=now)
    return approval


@transaction.atomic
def reject(proposal: Proposal, *, reason: str, by: Actor, now: dt.datetime) -> None:
    """End a proposal without the deed; whoever asked may take it back so. Raises `ProposalOver`."""
    _settle(proposal, ProposalState.REJECTED, by=by, now=now)
    _tell(proposal, "approval.rejected", by=by, now=now, why=reason.strip()[:MAX_REASON])


@transaction.atomic
def require_approved(
    kind: str, subject: Subject, sha256: str, *, votes: int = 1, by: Actor, now: dt.datetime
) -> Proposal:
    """Use the approval of exactly these bytes, once: call it in the transaction of the deed's
    intent. Raises `NotApproved` where it is missing, for other bytes, expired, used, or has fewer
    than `votes` people's yes.
    """
    found = Proposal.objects.about(kind, subject).waiting(now=now).filter(sha256=sha256)
    proposal = found.select_for_update().first()
    if proposal is None:
        raise NotApproved(
            _n(
                "Nobody else has approved exactly this, or the approval has expired. Propose it "
                "anew, and let another person approve it."
            )
        )
    needed = max(votes, proposal.votes_needed)
    given = proposal.approvals.count()
    if given < needed:
        raise NotApproved(
            _n("%(given)d of %(needed)d other people have approved this."),
            given=given,
            needed=needed,
        )
    _settle(proposal, ProposalState.USED, by=by, now=now)
    _tell(proposal, "approval.used", by=by, now=now)
    return proposal


@transaction.atomic
def expire(proposal: Proposal, *, now: dt.datetime) -> bool:
    """End a proposal whose time is over; false when somebody ended it before."""
    rows = Proposal.objects.overdue(now=now).filter(pk=proposal.pk)
    by = system_actor("worker")
    if not rows.update(state=ProposalState.EXPIRED, settled_at=now, settled_by=by.name):
        return False
    _tell(proposal, "approval.expired", by=by, now=now)
    return True


def overdue_proposals(*, now: dt.datetime) -> tuple[Proposal, ...]:
    """Return a few of those whose time is over."""
    return tuple(Proposal.objects.overdue(now=now).order_by("pk")[:_FEW])


def open_proposal(kind: str, subject: Subject) -> Proposal | None:
    """Return the proposal for one thing that nobody has ended yet, expired or not."""
    return Proposal.objects.about(kind, subject).filter(state=ProposalState.OPEN).first()


def require_another_person(proposal: Proposal, *, by: Actor, not_by: Collection[int] = ()) -> int:
    """Return the id of the person; refuse whoever asked, whoever had a hand in it, and programs.
    Raises `SelfApproval`.
    """
    if by.id is None:
        raise SelfApproval(_n("A program cannot approve anything: a person must."))
    if by.id == proposal.asked_by_id or by.id in not_by:
        raise SelfApproval(
            _n(
                "You asked for this yourself. Somebody else must approve it; that holds for "
                "administrators too."
            )
        )
    return by.id


def require_open(proposal: Proposal, *, now: dt.datetime) -> None:
    """Refuse what was used or rejected or has expired. Raises `ProposalOver`."""
    if proposal.state != ProposalState.OPEN:
        raise _over()
    if proposal.expires_at <= now:
        raise ProposalOver(
            _n("This expired on %(at)s. It must be proposed anew."),
            at=f"{proposal.expires_at:%Y-%m-%d %H:%M} UTC",
        )


def _settle(proposal: Proposal, state: ProposalState, *, by: Actor, now: dt.datetime) -> None:
    rows = Proposal.objects.filter(pk=proposal.pk, state=ProposalState.OPEN)
    if not rows.update(state=state, settled_at=now, settled_by=by.name):
        raise _over()
    proposal.state, proposal.settled_at, proposal.settled_by = state, now, by.name


def _over() -> ProposalOver:
    return ProposalOver(_n("Somebody used or rejected this before you. Look at what became of it."))


def _tell(proposal: Proposal, action: str, *, by: Actor, now: dt.datetime, why: str = "") -> None:
    record(
        action,
        actor=by,
        subject=(proposal.subject_kind, proposal.subject_id, proposal.label),
        detail={
            "deed": proposal.kind,
            "sha256": proposal.sha256,
            "asked_by": proposal.asker_name,
            "expires_at": proposal.expires_at.isoformat(),
            **({"reason": proposal.reason} if proposal.reason else {}),
            **({"why": why} if why else {}),
        },
        at=now,
    )
