"""Deeds that need another person: what exactly, who asks, who said yes, and until when."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy


class ProposalState(models.TextChoices):
    """open waits for votes · used is done once with them · the rest are ends without the deed."""

    OPEN = "open", gettext_lazy("waits for approval")
    USED = "used", gettext_lazy("approved and done")
    REJECTED = "rejected", gettext_lazy("rejected")
    EXPIRED = "expired", gettext_lazy("expired")


class ProposalQuerySet(models.QuerySet["Proposal"]):
    """Proposals in the domain's words."""

    def waiting(self, *, now: dt.datetime) -> Self:
        """Those that can still be approved."""
        return self.filter(state=ProposalState.OPEN, expires_at__gt=now)

    def overdue(self, *, now: dt.datetime) -> Self:
        """Those whose time is over and that nobody has ended yet."""
        return self.filter(state=ProposalState.OPEN, expires_at__lte=now)

    def about(self, kind: str, subject: tuple[str, object]) -> Self:
        """Those for one kind of deed on one thing, as in ("request", 7)."""
        return self.filter(kind=kind, subject_kind=subject[0], subject_id=str(subject[1]))


class Proposal(models.Model):
    """One deed that waits for other people.

    `kind` is a word such as sign, `sha256` (hex) of the exact bytes that the deed is about: whoever
    approves these approves nothing else.
    """

    kind = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=64)
    label = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    votes_needed = models.PositiveSmallIntegerField(default=1)
    reason = models.TextField(blank=True, default="")
    state = models.CharField(max_length=8, choices=ProposalState, default=ProposalState.OPEN)
    asked_at = models.DateTimeField()
    # None for a program, such as a command on the server.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    asker_name = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True, default="")

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "subject_kind", "subject_id"],
                condition=Q(state="open"),
                name="proposal_open_once",
            ),
            models.CheckConstraint(
                condition=Q(votes_needed__gte=1, votes_needed__lte=5), name="proposal_votes"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.label} ({self.state})"

    def is_open(self, *, now: dt.datetime) -> bool:
        """Tell whether it can be approved at `now`."""
        return self.state == ProposalState.OPEN and self.expires_at > now


class Approval(models.Model):
    """The yes of one person to one proposal.

    `asked_by` is the proposal's, kept here too so that the database itself refuses somebody's yes
    to their own.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="approvals")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approver_name = models.CharField(max_length=150)
    approved_at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["proposal", "approved_by"], name="approval_once_each"),
            models.CheckConstraint(
                condition=Q(asked_by=None) | ~Q(approved_by=F("asked_by")), name="approval_by_other"
            ),
        )

    def __str__(self) -> str:
        return f"{self.approver_name}: {self.proposal}"
