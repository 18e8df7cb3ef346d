"""Signing requests: what was asked of an authority, and how it was decided."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from aggportal.certs.models.authorities import Authority


class State(models.TextChoices):
    """pending waits · signing is the intent, written before the signature · the rest are ends."""

    PENDING = "pending", gettext_lazy("pending")
    SIGNING = "signing", gettext_lazy("signing")
    ISSUED = "issued", gettext_lazy("issued")
    REJECTED = "rejected", gettext_lazy("rejected")
    FAILED = "failed", gettext_lazy("failed")


class SigningRequest(models.Model):
    """One request. In state `signing` its serial is reserved: after a crash it says what was about
    to be signed.
    """

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="requests")
    profile = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State)
    serial = models.CharField(max_length=40)
    subject = models.TextField()
    request_spec = models.TextField(blank=True)
    csr_pem = models.TextField(blank=True)
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    requester_name = models.CharField(max_length=150)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["authority", "serial"], name="request_serial_once"),
        )

    def __str__(self) -> str:
        return f"{self.subject} ({self.state})"
