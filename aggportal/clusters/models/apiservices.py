"""APIServices as last seen in a cluster, and how their availability changed."""

from __future__ import annotations

import datetime as dt
import operator
from functools import reduce
from urllib.parse import quote

from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy

from aggportal.clusters.models.clusters import Cluster
from aggportal.web.told import told
from aggportal.words import Sentence

CARE_DAYS = 30
# A version, a dot and a group, each as long as Kubernetes lets it be.
LONGEST_NAME = 320


class Availability(models.TextChoices):
    """The status of the `Available` condition, in Kubernetes' own spelling."""

    TRUE = "True", gettext_lazy("Available")
    FALSE = "False", gettext_lazy("Not available")
    UNKNOWN = "Unknown", gettext_lazy("Not known")


class Tls(models.TextChoices):
    """How kube-apiserver checks the extension API server's certificate."""

    NONE = "none", gettext_lazy("local")
    BUNDLE = "bundle", gettext_lazy("caBundle")
    SYSTEM = "system", gettext_lazy("system roots")
    BROKEN = "broken", gettext_lazy("caBundle unreadable")
    UNVERIFIED = "unverified", gettext_lazy("not verified")


def care(now: dt.datetime) -> Q:
    """TLS is not verified, or cannot be, or its authority ends within `CARE_DAYS`."""
    soon = now + dt.timedelta(days=CARE_DAYS)
    return Q(tls__in=[Tls.UNVERIFIED, Tls.BROKEN]) | Q(ca_not_after__lt=soon)


class WatchedAPIServiceQuerySet(models.QuerySet["WatchedAPIService"]):
    def unavailable(self) -> WatchedAPIServiceQuerySet:
        return self.exclude(available=Availability.TRUE)

    def needing_care(self, *, now: dt.datetime) -> WatchedAPIServiceQuerySet:
        """Available or not, its TLS wants somebody's attention; see `care`."""
        return self.filter(care(now))

    def local(self) -> WatchedAPIServiceQuerySet:
        """Served by kube-apiserver itself."""
        return self.filter(service_name="")

    def ours(self) -> WatchedAPIServiceQuerySet:
        """Aggregated: somebody registered them for a Service."""
        return self.exclude(service_name="")

    def matching(self, text: str) -> WatchedAPIServiceQuerySet:
        """Name, Service or reason hold `text`."""
        columns = ("name", "service_namespace", "service_name", "reason")
        wanted = [Q(**{f"{column}__icontains": text}) for column in columns]
        return self.filter(reduce(operator.or_, wanted))

    def worst_first(self, *, now: dt.datetime) -> WatchedAPIServiceQuerySet:
        """Not available, not known, to care for, aggregated, local; by name within each."""
        rank = Case(
            When(available=Availability.FALSE, then=Value(0)),
            When(available=Availability.UNKNOWN, then=Value(1)),
            When(care(now), then=Value(2)),
            When(service_name="", then=Value(4)),
            default=Value(3),
        )
        return self.annotate(rank=rank).order_by("rank", "name")


class WatchedAPIService(models.Model):
    """One APIService as last seen; `raw` is the object itself.

    `service_name` is empty for a local one. `cause` is a code of `kube.causes`. `state_version` is
    the version of the cluster's state with which the row last changed. The TLS facts are read from
    `caBundle` when the row is written, never later; `ca_not_after` is the earliest end.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="apiservices")
    name = models.CharField(max_length=LONGEST_NAME)
    uid = models.CharField(max_length=64)
    resource_version = models.CharField(max_length=64)
    group = models.TextField()
    version = models.TextField()
    service_namespace = models.TextField()
    service_name = models.TextField()
    service_port = models.BigIntegerField(null=True)
    available = models.CharField(max_length=8, choices=Availability)
    reason = models.TextField()
    message = models.TextField()
    cause = models.CharField(max_length=40)
    since = models.DateTimeField(null=True)
    group_priority = models.BigIntegerField(null=True)
    version_priority = models.BigIntegerField(null=True)
    automanaged = models.CharField(max_length=64)
    tls = models.CharField(max_length=12, choices=Tls)
    ca_subject = models.TextField()
    ca_count = models.PositiveSmallIntegerField(default=0)
    ca_not_after = models.DateTimeField(null=True)
    tls_trouble = models.JSONField(null=True)
    raw = models.JSONField()
    state_version = models.PositiveBigIntegerField()

    objects = WatchedAPIServiceQuerySet.as_manager()

    class Meta:
        verbose_name = "watched APIService"
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], name="apiservice_once_per_cluster"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The page. Not reversed by name, which an odd cluster may spell as no address can be."""
        return f"{self.cluster.get_absolute_url()}apiservices/{quote(self.name, safe='')}/"

    @property
    def is_local(self) -> bool:
        return not self.service_name

    @property
    def service(self) -> str:
        """`namespace/name:port`, empty for a local one."""
        if self.is_local:
            return ""
        port = "?" if self.service_port is None else self.service_port
        return f"{self.service_namespace}/{self.service_name}:{port}"

    @property
    def tls_trouble_sentence(self) -> Sentence | None:
        return told(self.tls_trouble)


class Transition(models.Model):
    """A change of an APIService's availability that means something.

    Status, reason or class of the message differ. `came_from` is empty when it was first seen,
    `went_to` when it is gone.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="transitions")
    name = models.CharField(max_length=LONGEST_NAME)
    at = models.DateTimeField(db_index=True)
    came_from = models.CharField(max_length=8, blank=True, choices=Availability)
    went_to = models.CharField(max_length=8, blank=True, choices=Availability)
    reason = models.TextField(blank=True)
    message = models.TextField(blank=True)
    cause = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ("-at", "-pk")
        indexes = [models.Index(fields=["cluster", "name", "at"], name="transition_history")]

    def __str__(self) -> str:
        return f"{self.name}: {self.came_from or '–'} → {self.went_to or '–'}"
