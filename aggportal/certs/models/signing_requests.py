"""Signing requests: what was asked of an authority, and how it was decided."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.certs.models.authorities import Authority

MAX_REASON = 500


class State(models.TextChoices):
    """pending waits · signing is the intent, written before the signature · the rest are ends."""

    PENDING = "pending", gettext_lazy("pending")
    SIGNING = "signing", gettext_lazy("signing")
    ISSUED = "issued", gettext_lazy("issued")
    REJECTED = "rejected", gettext_lazy("rejected")
    FAILED = "failed", gettext_lazy("failed")


class SigningRequestQuerySet(models.QuerySet["SigningRequest"]):
    """Requests in the domain's words."""

    def received(self) -> Self:
        """Those that came in as PKCS#10; the others were made here with their key."""
        return self.exclude(csr_sha256="")

    def waiting(self) -> Self:
        """Those that wait for a decision."""
        return self.filter(state=State.PENDING)

    def claim(self, pk: int, *, state: State, by: str, now: dt.datetime) -> bool:
        """Take the decision on a waiting request; false when somebody took it before.

        The database settles who is first: one UPDATE finds the row in state pending.
        """
        waiting = self.filter(pk=pk, state=State.PENDING)
        return bool(waiting.update(state=state, decided_by=by, decided_at=now))


class SigningRequest(models.Model):
    """One request. Its serial is reserved from the beginning: after a crash in state `signing` it
    says what was about to be signed.

    `csr_sha256` is of the DER of a request that came in (hex), empty where key and request were
    made here.
    """

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="requests")
    profile = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State)
    serial = models.CharField(max_length=40)
    subject = models.TextField()
    request_spec = models.TextField(blank=True)
    csr_pem = models.TextField(blank=True)
    csr_sha256 = models.CharField(max_length=64, blank=True, default="")
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    requester_name = models.CharField(max_length=150)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    # The certificate whose successor this asks for.
    renews = models.ForeignKey(
        "certs.Certificate",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="renewals",
    )
    # Why an administrator let pass what the authority's lane forbids.
    override_reason = models.TextField(blank=True, default="")

    objects = SigningRequestQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["authority", "serial"], name="request_serial_once"),
            models.UniqueConstraint(
                fields=["authority", "csr_sha256"],
                condition=Q(state="pending") & ~Q(csr_sha256=""),
                name="request_waits_once",
            ),
            # Whoever renews at the same moment: one successor.
            models.UniqueConstraint(
                fields=["renews"],
                condition=Q(state__in=("signing", "issued")),
                name="request_renews_once",
            ),
        )
        indexes = (
            models.Index(fields=["-id"], condition=Q(state="pending"), name="request_waiting"),
            models.Index(fields=["-id"], condition=~Q(csr_sha256=""), name="request_received"),
        )

    def __str__(self) -> str:
        return f"{self.subject} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("certs:request_show", args=[self.pk])

    @property
    def waits(self) -> bool:
        """Tell whether nobody has decided yet."""
        return self.state == State.PENDING
