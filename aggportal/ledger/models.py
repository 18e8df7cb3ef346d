"""The ledger: an append-only, hash-chained record of what was done."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy

from aggportal.web.told import told
from aggportal.words import Sentence


class Outcome(models.TextChoices):
    """How it went. An intent is written before signing, so that a crash leaves a trace of what was
    planned.
    """

    INTENDED = "intended", gettext_lazy("intended")
    DONE = "done", gettext_lazy("done")
    REFUSED = "refused", gettext_lazy("refused")
    FAILED = "failed", gettext_lazy("failed")


class Head(models.Model):
    """The chain's end: one row, locked while an entry is appended, so that numbers have no gap.

    From `keyed_from` on each entry has a MAC, which `keyed_mark` authenticates: entries that were
    written before there was a key have none.
    """

    size = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="0" * 64)
    keyed_from = models.PositiveBigIntegerField(null=True)
    keyed_mark = models.CharField(max_length=64, default="")

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
    mac = models.CharField(max_length=64, default="")

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


class Checkpoint(models.Model):
    """The ledger's state after `size` entries: the root of its Merkle tree (RFC 6962), signed.

    `note` is the signed text that is anchored, `subtrees` what the next checkpoint goes on from.
    """

    size = models.PositiveBigIntegerField(primary_key=True)
    root = models.CharField(max_length=64)
    subtrees = models.JSONField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("-size",)

    def __str__(self) -> str:
        return f"checkpoint of {self.size} entries"


class ClockMark(models.Model):
    """The newest moment that the worker believed: one row, by which a clock that jumps is known."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class Anchor(models.Model):
    """A place outside the database that is told of checkpoints, and up to which it was.

    `name` shows the place without what may be a secret; `trouble` says why the last try failed.
    """

    name = models.CharField(max_length=300, unique=True)
    size = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    trouble = models.JSONField(null=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def trouble_sentence(self) -> Sentence | None:
        return told(self.trouble)
