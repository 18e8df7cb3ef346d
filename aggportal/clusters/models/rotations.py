"""Guided changes of what a cluster trusts: which step each is at, and what was seen meanwhile."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.clusters.models.apiservices import LONGEST_NAME
from aggportal.clusters.models.clusters import Cluster
from aggportal.web.told import told
from aggportal.words import Sentence


class RotationKind(models.TextChoices):
    """What is exchanged."""

    FRONT_PROXY_CA = "front_proxy_ca", gettext_lazy("Front-proxy CA")
    SERVING_CA = "serving_ca", gettext_lazy("Serving CA")
    PROXY_CLIENT = "proxy_client", gettext_lazy("Proxy client certificate")


class RotationState(models.TextChoices):
    """open: under way · done: every step is past · stopped: left as it was at that moment."""

    OPEN = "open", gettext_lazy("under way")
    DONE = "done", gettext_lazy("done")
    STOPPED = "stopped", gettext_lazy("stopped")


class StepState(models.TextChoices):
    """current: what is to be done now · undone: somebody went back over it."""

    CURRENT = "current", gettext_lazy("now")
    PROVEN = "proven", gettext_lazy("proven")
    OVERRIDDEN = "overridden", gettext_lazy("passed without proof")
    UNDONE = "undone", gettext_lazy("gone back over")


class Rotation(models.Model):
    """One guided change of trust in one cluster.

    `subject` tells two of one kind in one cluster apart: empty where there can be but one.
    `old_pem` are the CAs that were trusted when it began. `facts` is what its kind keeps, JSON
    without secrets. `version` moves with everything that its page shows.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="rotations")
    kind = models.CharField(max_length=16, choices=RotationKind)
    subject = models.CharField(max_length=LONGEST_NAME, blank=True, default="")
    state = models.CharField(max_length=8, choices=RotationState, default=RotationState.OPEN)
    version = models.PositiveBigIntegerField(default=1)
    old_authority = models.ForeignKey(
        "certs.Authority", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    new_authority = models.ForeignKey(
        "certs.Authority", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    old_certificate = models.ForeignKey(
        "certs.Certificate", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    new_certificate = models.ForeignKey(
        "certs.Certificate", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    old_pem = models.TextField(blank=True, default="")
    facts = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=150)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True, default="")
    ended_why = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["cluster", "kind", "subject"],
                condition=Q(state="open"),
                name="rotation_open_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}".strip()

    def get_absolute_url(self) -> str:
        return reverse("clusters:rotation_show", args=[self.cluster.slug, self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == RotationState.OPEN


class RotationStep(models.Model):
    """One time that a step was the present one; whoever goes back makes new rows.

    `seen` and `missing` are sentences (`told`) of the last look, `proven` says whether that was
    proof enough. `asks` are the things that only a person can see, by key; `told` has who said so
    and when. `facts` is what the step keeps for those after it. A deed of the portal holds
    `busy_since`, so that a second click does not do it twice.
    """

    rotation = models.ForeignKey(Rotation, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=24)
    state = models.CharField(max_length=12, choices=StepState, default=StepState.CURRENT)
    began_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    proven = models.BooleanField(default=False)
    seen = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    rules = models.TextField(blank=True, default="")
    asks = models.JSONField(default=list)
    told = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    busy_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["rotation"], condition=Q(state="current"), name="rotation_one_current_step"
            ),
        )

    def __str__(self) -> str:
        return f"{self.key} ({self.state})"

    @property
    def seen_sentences(self) -> list[Sentence | None]:
        return [told(each) for each in self.seen]

    @property
    def diffs(self) -> list[tuple[str, str]]:
        """What the portal's deed would change, as the API server tried it: names and diffs."""
        return [(name, diff) for name, diff in self.facts.get("diffs", ()) if diff]

    @property
    def missing_sentences(self) -> list[Sentence | None]:
        return [told(each) for each in self.missing]

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Each thing that a person is to say: `key`, `sentence`, and `by` and `at` once said."""
        return [
            {
                "key": ask["key"],
                "sentence": told(ask["sentence"]),
                "by": self.told.get(ask["key"], {}).get("by", ""),
                "at": _moment(self.told.get(ask["key"], {}).get("at")),
            }
            for ask in self.asks
        ]

    @property
    def is_told(self) -> bool:
        """Whether a person said yes to all that only a person can see."""
        return all(ask["key"] in self.told for ask in self.asks)

    @property
    def told_at(self) -> dt.datetime | None:
        """When the last of it was said."""
        moments = [_moment(each.get("at")) for each in self.told.values()]
        return max((each for each in moments if each), default=None)


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
