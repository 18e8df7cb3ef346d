"""Clusters, and what is known of each at the moment."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from aggportal.accounts.rights import Scope, ScopeKind
from aggportal.clusters.models.connections import AuthKind, SealedConnection
from aggportal.clusters.models.leases import is_ahead
from aggportal.web.told import told
from aggportal.words import Sentence


class Cluster(models.Model):
    """One kube-apiserver that we can read. Other credentials mean another `sealed` row."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    server = models.CharField(max_length=2048)
    auth_kind = models.CharField(max_length=16, choices=AuthKind)
    sealed = models.OneToOneField(
        SealedConnection, on_delete=models.PROTECT, related_name="cluster"
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    # Whose certificate kube-apiserver shows as front proxy; None: the one that is recognised.
    front_proxy = models.ForeignKey(
        "certs.Authority", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Who signs the serving certificates of its extension API servers.
    serving_authorities = models.ManyToManyField("certs.Authority", blank=True, related_name="+")
    # The doctor shakes hands with the backends of APIServices, which the portal connects to.
    shakes_hands = models.BooleanField(default=False)
    # Or it reaches them through kube-apiserver (pods/portforward), and the portal connects to none.
    forwards_ports = models.BooleanField(default=False)
    # Of the Secrets of extension API servers the certificates are read: their account may read the
    # private keys then as well, so nobody but an administrator says so.
    reads_secrets = models.BooleanField(default=False)

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(Lower("name"), name="cluster_name_once"),
            models.CheckConstraint(
                condition=~models.Q(shakes_hands=True, forwards_ports=True),
                name="cluster_handshakes_one_way",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("clusters:cluster_show", args=[self.slug])

    @property
    def scope(self) -> Scope:
        """What a grant names that is limited to this cluster."""
        return Scope(kind=ScopeKind.CLUSTER.value, key=str(self.pk))


class ClusterState(models.Model):
    """What the worker knows. `version` moves with every change that a page would show.

    `trouble` and `remedy` are sentences (`told`), null while all is well; `since` is when the
    present state, connected or not, began. `heard_at` moves with every sign of life, and does not
    move the version.
    """

    cluster = models.OneToOneField(
        Cluster, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    version = models.PositiveBigIntegerField(default=0)
    connected = models.BooleanField(default=False)
    trouble = models.JSONField(null=True)
    remedy = models.JSONField(null=True)
    since = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True)
    kube_version = models.CharField(max_length=64, default="")
    total = models.PositiveIntegerField(default=0)
    available = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.cluster_id} version {self.version}"

    @property
    def trouble_sentence(self) -> Sentence | None:
        return told(self.trouble)

    @property
    def remedy_sentence(self) -> Sentence | None:
        return told(self.remedy)

    @property
    def unavailable(self) -> int:
        return max(self.total - self.available, 0)

    def is_heard_within(self, seconds: float, *, now: dt.datetime) -> bool:
        """Whether the API server gave a sign of life in the last `seconds`."""
        if self.heard_at is None:
            return False
        recent = now - self.heard_at <= dt.timedelta(seconds=seconds)
        return recent and not self.is_ahead(now=now)

    def is_ahead(self, *, now: dt.datetime) -> bool:
        """Whether it was heard at a moment that is still to come."""
        return is_ahead(self.heard_at, now=now)
