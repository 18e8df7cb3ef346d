"""Signing requests: what was asked of an authority, and how it was decided."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.certs.models.authorities import Authority
from aggportal.certs.models.keys import SealedKey

MAX_REASON = 500


class State(models.TextChoices):
    """pending waits · signing is the intent, written before the signature · the rest are ends."""

    PENDING = "pending", gettext_lazy("pending")
    SIGNING = "signing", gettext_lazy("signing")
    ISSUED = "issued", gettext_lazy("issued")
    REJECTED = "rejected", gettext_lazy("rejected")
    FAILED = "failed", gettext_lazy("failed")
    EXPIRED = "expired", gettext_lazy("expired")


class SigningRequestQuerySet(models.QuerySet["SigningRequest"]):
    """Requests in the domain's words."""

    def received(self) -> Self:
        """Those that came in as PKCS#10, and those that wait or waited for another person; the
        others were made and signed here at once.
        """
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
    made here and signed at once; for what was made here and waits for another person it is that of
    our request, or where there is none that of the frozen bytes.

    Where another person must approve, the certificate is frozen: `tbs_sha256` (hex) is of the bytes
    to be signed (TBSCertificate, RFC 5280 section 4.1), planned as if it were `held_at` from what
    `held` says; `key` is the key that was made for it. A frozen one that is not approved in time
    has to be proposed anew.
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
    tbs_sha256 = models.CharField(max_length=64, blank=True, default="")
    held_at = models.DateTimeField(null=True, blank=True)
    held = models.JSONField(blank=True, default=dict)
    key = models.OneToOneField(
        SealedKey, null=True, blank=True, on_delete=models.PROTECT, related_name="request"
    )
    # The other person, where two are needed.
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

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
            models.UniqueConstraint(
                fields=["renews"],
                condition=Q(state="pending", renews__isnull=False),
                name="request_renewal_waits_once",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None)
                | Q(requested_by=None)
                | ~Q(approved_by=F("requested_by")),
                name="request_approved_by_other",
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

    @property
    def is_held(self) -> bool:
        """Tell whether its bytes are frozen for another person's approval."""
        return bool(self.tbs_sha256)

    @property
    def is_ours(self) -> bool:
        """Tell whether it was described here; the others came in as PKCS#10."""
        return bool(self.held.get("ours"))
