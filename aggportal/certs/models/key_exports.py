"""Asking that an authority's key may leave, encrypted to somebody."""

from __future__ import annotations

from django.db import models

from aggportal.certs.models.approvals import Proposal
from aggportal.certs.models.authorities import Authority


class KeyExport(models.Model):
    """Which key is to leave for whom; the proposal says who asked, who approved and what became
    of it. Without it nobody who approves could see the recipient.
    """

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="key_exports")
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="key_export")
    recipient_pem = models.TextField()
    recipient_subject = models.TextField()
    recipient_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.authority} → {self.recipient_subject}"
