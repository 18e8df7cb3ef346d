"""When nothing was heard of a cluster, and certificates that were seen in it."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy

from aggportal.clusters.models.clusters import Cluster


class SilenceQuerySet(models.QuerySet["Silence"]):
    def within(self, start: dt.datetime, end: dt.datetime) -> SilenceQuerySet:
        """Those that reach into the time from `start` to `end`, in order."""
        return self.filter(ended__gt=start, began__lt=end).order_by("began", "pk")


class Silence(models.Model):
    """A time in which nobody heard of the cluster: out of reach, or no worker ran.

    Written when it is over. What was available meanwhile is not known.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="silences")
    began = models.DateTimeField()
    ended = models.DateTimeField(db_index=True)

    objects = SilenceQuerySet.as_manager()

    class Meta:
        ordering = ("began", "pk")
        indexes = (models.Index(fields=["cluster", "ended"], name="silence_history"),)

    def __str__(self) -> str:
        return f"{self.cluster_id}: {self.began:%Y-%m-%d %H:%M} – {self.ended:%Y-%m-%d %H:%M}"


class Place(models.TextChoices):
    """Where in a cluster a certificate stood."""

    FRONT_PROXY = "front-proxy", gettext_lazy("requestheader CA")
    CLIENT = "client", gettext_lazy("client CA")


class SeenCertificate(models.Model):
    """A certificate that the cluster's ConfigMap extension-apiserver-authentication holds."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="seen")
    place = models.CharField(max_length=12, choices=Place)
    subject = models.TextField()
    fingerprint_sha256 = models.CharField(max_length=64)
    not_after = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("place", "not_after", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["cluster", "place", "fingerprint_sha256"], name="seen_certificate_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.place}: {self.subject}"
