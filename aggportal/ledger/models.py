"""The ledger: an append-only, hash-chained record of what was done."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy


class Outcome(models.TextChoices):
    """How it went. An intent is written before signing, so that a crash leaves a trace of what was
    planned.
    """

    INTENDED = "intended", gettext_lazy("intended")
    DONE = "done", gettext_lazy("done")
    REFUSED = "refused", gettext_lazy("refused")
    FAILED = "failed", gettext_lazy("failed")


class Head(models.Model):
    """The chain's end: one row, locked while an entry is appended, so that numbers have no gap."""

    size = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"{self.size} entries"


class Entry(models.Model):
    """One thing that was done.

    `canonical` holds the exact bytes that were hashed; the columns serve search.
    """

    seq = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    request_id = models.CharField(max_length=32)
    action = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome)
    object_kind = models.CharField(max_length=30)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=300)
    detail = models.JSONField(default=dict)
    canonical = models.TextField()
    previous = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "entries"
        ordering = ("-seq",)
        indexes = (
            models.Index(fields=["object_kind", "object_id", "seq"], name="ledger_object"),
            models.Index(fields=["action", "seq"], name="ledger_action"),
            models.Index(fields=["actor_name", "seq"], name="ledger_actor"),
            models.Index(fields=["at"], name="ledger_at"),
        )

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.object_label}"

    def document(self) -> dict[str, object]:
        """Return what is hashed of this entry: all that its columns say."""
        return {
            "seq": self.seq,
            "at": self.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "actor_id": self.actor_id,
            "actor": self.actor_name,
            "address": self.address,
            "request_id": self.request_id,
            "action": self.action,
            "outcome": str(self.outcome),
            "object": [self.object_kind, self.object_id, self.object_label],
            "detail": self.detail,
        }
