"""Clusters and things that end in them, for tests of the calendar."""

from __future__ import annotations

import datetime as dt
import secrets

from aggportal.certs.models import Authority
from aggportal.clusters.models import (
    Cluster,
    ClusterState,
    Examination,
    Place,
    SealedConnection,
    SeenCertificate,
    WatchedAPIService,
)
from aggportal.doctor.impact import SCALED

DAY = dt.timedelta(days=1)


def make_cluster(name: str = "lab", *, front: Authority | None = None) -> Cluster:
    """A cluster that nobody reaches, `front` behind its kube-apiserver."""
    sealed = SealedConnection(purpose="connection", binding=name)
    sealed.seal(b"{}")
    sealed.save()
    cluster = Cluster.objects.create(
        slug=name,
        name=name,
        server=f"https://{name}.example.com:6443",
        auth_kind="token",
        sealed=sealed,
        created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        created_by="ana",
    )
    ClusterState.objects.create(cluster=cluster)
    Examination.objects.create(cluster=cluster, recognised=front)
    return cluster


def make_bundle(
    cluster: Cluster,
    name: str = "v1beta1.metrics.k8s.io",
    *,
    ends: dt.datetime | None,
    subject: str = "CN=some-ca",
    service: str = "metrics-server",
) -> WatchedAPIService:
    """An APIService whose caBundle ends then."""
    version, _, group = name.partition(".")
    return WatchedAPIService.objects.create(
        cluster=cluster,
        name=name,
        uid=name,
        resource_version="1",
        group=group,
        version=version,
        service_namespace="kube-system",
        service_name=service,
        service_port=443,
        available="True",
        reason="Passed",
        message="",
        cause="",
        automanaged="",
        tls="bundle",
        ca_subject=subject,
        ca_count=1,
        ca_not_after=ends,
        raw={},
        state_version=1,
    )


def make_seen(
    cluster: Cluster, *, ends: dt.datetime, place: Place = Place.FRONT_PROXY, sha256: str = ""
) -> SeenCertificate:
    """A CA that the cluster publishes."""
    return SeenCertificate.objects.create(
        cluster=cluster,
        place=place,
        subject="CN=kubernetes-front-proxy-ca",
        fingerprint_sha256=sha256 or secrets.token_hex(32),
        not_after=ends,
    )


def make_scaled(cluster: Cluster, group: str, *, namespaces: int) -> None:
    """The doctor saw that many namespaces in which something is scaled by `group`."""
    params = {"group": group, "count": namespaces, "namespaces": namespaces}
    entry = {"code": "I02", "evidence": [{"text": SCALED, "params": params}]}
    Examination.objects.filter(cluster=cluster).update(standing=[entry])
