"""Which certificates of ours work in which cluster: as front proxy, or behind a Service there."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from aggportal.certs.models import Authority, Certificate, CertificateName, Lane
from aggportal.certs.models.certificates import Kind
from aggportal.clusters.models import Cluster, WatchedAPIService

# Profiles of which a certificate is made that kube-apiserver shows.
_PROXY_PROFILES = ("front-proxy-client", "aggregator")


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """The Service behind an APIService. `host` is the name that its certificate must carry."""

    cluster: int
    name: str
    group: str
    host: str
    ca_subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bindings:
    """`front` and `serving` name clusters by authority, all by id."""

    clusters: Mapping[int, Cluster]
    front: Mapping[int, tuple[int, ...]]
    serving: Mapping[int, tuple[int, ...]]
    backends: Mapping[str, tuple[Backend, ...]]

    def proxied(self, certificate: Certificate) -> tuple[Cluster, ...]:
        """The clusters whose kube-apiserver may show this one."""
        found = self.front.get(certificate.authority_id or 0, ())
        if not found or not is_proxy(certificate):
            return ()
        return tuple(self.clusters[each] for each in found)

    def served(self, certificate: Certificate, hosts: Collection[str]) -> tuple[Backend, ...]:
        """The backends that may show this one, which carries the names `hosts`."""
        if certificate.authority is None:
            return ()
        clusters = self.serving.get(certificate.authority.pk, ())
        return tuple(
            backend
            for host in hosts
            for backend in self.backends.get(host, ())
            if backend.cluster in clusters or backend.ca_subject == certificate.authority.subject
        )


def live_authorities() -> QuerySet[Authority]:
    """Those that still count: not retired, not succeeded, not revoked."""
    return Authority.objects.filter(retired_at=None, successor=None, issued_as__revoked_at=None)


def live_certificates(*, now: dt.datetime) -> QuerySet[Certificate]:
    """Those that still count: not ended, not revoked, without a good successor. Those of
    authorities count as authorities, OCSP responders renew themselves.
    """
    successors = Certificate.objects.good(now=now).filter(predecessor=OuterRef("pk"))
    found = Certificate.objects.filter(not_after__gte=now, revoked_at=None, kind=Kind.LEAF)
    return found.filter(~Exists(successors))


def read_bindings() -> Bindings:
    """What works where; three queries."""
    clusters = {
        each.pk: each
        for each in Cluster.objects.select_related("examination").defer("examination__standing")
    }
    front: defaultdict[int, list[int]] = defaultdict(list)
    for cluster in clusters.values():
        pk = front_proxy_of(cluster)
        if pk is not None:
            front[pk].append(cluster.pk)
    serving: defaultdict[int, list[int]] = defaultdict(list)
    for row in Cluster.serving_authorities.through.objects.values_list("authority", "cluster"):
        serving[row[0]].append(row[1])
    backends: defaultdict[str, list[Backend]] = defaultdict(list)
    rows = WatchedAPIService.objects.ours().order_by("pk")
    columns = ("cluster", "name", "group", "service_namespace", "service_name", "ca_subject")
    for pk, name, group, namespace, service, subject in rows.values_list(*columns):
        host = f"{service}.{namespace}.svc".lower()
        backends[host].append(
            Backend(cluster=pk, name=name, group=group, host=host, ca_subject=subject)
        )
    return Bindings(
        clusters=clusters,
        front={pk: tuple(found) for pk, found in front.items()},
        serving={pk: tuple(found) for pk, found in serving.items()},
        backends={host: tuple(found) for host, found in backends.items()},
    )


def front_proxy_of(cluster: Cluster) -> int | None:
    """The authority behind its kube-apiserver: the chosen one, else the recognised one."""
    examination = getattr(cluster, "examination", None)
    recognised = examination.recognised_id if examination else None
    return cluster.front_proxy_id or recognised


def is_proxy(certificate: Certificate) -> bool:
    """Whether it was made to be shown by kube-apiserver; `authority` is at hand."""
    authority = certificate.authority
    return authority is not None and (
        authority.lane == Lane.FRONT_PROXY
        or certificate.profile in _PROXY_PROFILES
        or certificate.common_name in authority.proxy_names
    )


def proxy_certificates(authorities: Collection[int]) -> Q:
    """Those of `authorities` for which `is_proxy` holds, as far as a database can tell."""
    made = Q(authority__lane=Lane.FRONT_PROXY) | Q(profile__in=_PROXY_PROFILES)
    return Q(authority__in=authorities) & made


def hosts_of(certificates: Collection[int]) -> dict[int, list[str]]:
    """The DNS names of certificates by id; one query."""
    found: dict[int, list[str]] = {}
    names = CertificateName.objects.filter(certificate__in=certificates, kind="dns")
    for pk, value in names.values_list("certificate", "value"):
        found.setdefault(pk, []).append(value)
    return found
