"""What the doctor found, from when to when, and the last examination of each cluster."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from aggportal.clusters.models.apiservices import LONGEST_NAME
from aggportal.clusters.models.clusters import Cluster
from aggportal.web.told import told
from aggportal.words import Sentence


class Harm(models.IntegerChoices):
    """How much a finding hurts, the worst first; the doctor's severities."""

    CRITICAL = 0, gettext_lazy("critical")
    ERROR = 1, gettext_lazy("error")
    WARNING = 2, gettext_lazy("warning")
    INFO = 3, gettext_lazy("to know")


class FindingQuerySet(models.QuerySet["Finding"]):
    def unresolved(self) -> FindingQuerySet:
        """Those that were not seen to be over."""
        return self.filter(resolved_at=None)

    def resolved(self) -> FindingQuerySet:
        return self.exclude(resolved_at=None)

    def loud(self, *, now: dt.datetime) -> FindingQuerySet:
        """Open ones that nobody muted: a cluster is as well as the worst of these."""
        return self.unresolved().exclude(muted_until__gt=now)

    def worst_first(self) -> FindingQuerySet:
        return self.order_by("harm", "code", "subject")


class Finding(models.Model):
    """One thing that is or was wrong. `subject` is an APIService's name, empty for the cluster.

    `code` is the check's id. Title, sentence, evidence and the remedy's sentence are sentences
    (`told`). While `unchecked_since` is set, the check could not be made: still open, perhaps over.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="findings")
    code = models.CharField(max_length=8)
    subject = models.CharField(max_length=LONGEST_NAME, blank=True)
    harm = models.PositiveSmallIntegerField(choices=Harm)
    title = models.JSONField()
    sentence = models.JSONField()
    evidence = models.JSONField(default=list)
    remedy = models.JSONField(null=True)
    command = models.TextField(blank=True, default="")
    deed = models.CharField(max_length=24, blank=True, default="")
    read = models.JSONField(default=list)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    unchecked_since = models.DateTimeField(null=True)
    unchecked_why = models.JSONField(null=True)
    resolved_at = models.DateTimeField(null=True)
    muted_until = models.DateTimeField(null=True)
    muted_reason = models.CharField(max_length=300, blank=True, default="")
    muted_by = models.CharField(max_length=150, blank=True, default="")

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ("harm", "code", "subject")
        constraints = (
            # Whoever examines at the same moment: one finding.
            models.UniqueConstraint(
                fields=["cluster", "code", "subject"],
                condition=Q(resolved_at__isnull=True),
                name="finding_open_once",
            ),
        )
        indexes = (
            models.Index(
                fields=["-id"], condition=Q(resolved_at__isnull=True), name="finding_opened"
            ),
            models.Index(fields=["cluster", "-id"], name="finding_history"),
            models.Index(fields=["resolved_at"], name="finding_resolved"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.subject or 'cluster'}"

    def get_absolute_url(self) -> str:
        doctor = reverse("clusters:doctor_show", args=[self.cluster.slug])
        return f"{doctor}#finding-{self.pk}"

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same one as before."""
        return self.code, self.subject

    @property
    def title_sentence(self) -> Sentence | None:
        return told(self.title)

    @property
    def said(self) -> Sentence | None:
        return told(self.sentence)

    @property
    def evidence_sentences(self) -> list[Sentence | None]:
        return [told(each) for each in self.evidence]

    @property
    def remedy_sentence(self) -> Sentence | None:
        return told(self.remedy)

    @property
    def why_unchecked(self) -> Sentence | None:
        return told(self.unchecked_why)

    def is_muted(self, *, now: dt.datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now


class Examination(models.Model):
    """The last look of the doctor at a cluster, and the one that is wanted.

    `version` moves with everything that the doctor's page would show; `seen_version` is the
    cluster's own when it was looked at. `standing` holds the checks that found nothing, by what
    they say (`services.examining`). `trouble` is why it could not be looked at all.
    """

    cluster = models.OneToOneField(
        Cluster, on_delete=models.CASCADE, primary_key=True, related_name="examination"
    )
    version = models.PositiveBigIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=150, blank=True, default="")
    tried_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    milliseconds = models.PositiveIntegerField(default=0)
    seen_version = models.PositiveBigIntegerField(default=0)
    standing = models.JSONField(default=list)
    trouble = models.JSONField(null=True)
    remedy = models.JSONField(null=True)
    # kube-apiserver's counters, by name: what rose since is told.
    metrics = models.JSONField(null=True)
    # The authority of ours whose key the cluster publishes as front-proxy CA.
    recognised = models.ForeignKey(
        "certs.Authority", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.cluster_id} examination {self.version}"

    @property
    def is_awaited(self) -> bool:
        """Somebody asked since the last try began."""
        return self.asked_at is not None and (
            self.tried_at is None or self.tried_at < self.asked_at
        )

    @property
    def trouble_sentence(self) -> Sentence | None:
        return told(self.trouble)

    @property
    def remedy_sentence(self) -> Sentence | None:
        return told(self.remedy)


class LastAnswer(models.Model):
    """What came through the aggregator for one APIService when it was last examined.

    `status` is None where no answer came, and `trouble` says why. `body` is its beginning.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="answers")
    name = models.CharField(max_length=LONGEST_NAME)
    at = models.DateTimeField()
    path = models.TextField()
    status = models.PositiveIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    body = models.TextField()
    trouble = models.JSONField(null=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["cluster", "name"], name="answer_once_per_apiservice"),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.status or 'no answer'}"

    @property
    def trouble_sentence(self) -> Sentence | None:
        return told(self.trouble)
