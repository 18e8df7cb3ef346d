"""What ends first in each cluster, among all that is known of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models
from django.db.models import Min
from django.utils.translation import gettext_lazy

from aggportal.certs.models import CertificateName
from aggportal.clusters.bindings import (
    Bindings,
    live_authorities,
    live_certificates,
    proxy_certificates,
    read_bindings,
)
from aggportal.clusters.models import SeenCertificate, WatchedAPIService


class Ends(models.TextChoices):
    """What kind of thing ends."""

    BUNDLE = "bundle", gettext_lazy("a caBundle")
    SEEN = "seen", gettext_lazy("a CA that the cluster trusts")
    AUTHORITY = "authority", gettext_lazy("an authority of ours")
    PROXY = "proxy", gettext_lazy("a proxy certificate")
    SERVING = "serving", gettext_lazy("a serving certificate")


@dataclass(frozen=True, kw_only=True, slots=True)
class Soonest:
    """When something ends, and what kind of thing."""

    when: dt.datetime
    kind: Ends

    @property
    def word(self) -> str:
        return str(self.kind.label)


def soonest_by_cluster(*, now: dt.datetime) -> dict[int, Soonest]:
    """The soonest end of each cluster that has one, by id; eight queries however many there are."""
    bound = read_bindings()
    found: dict[int, Soonest] = {}
    for cluster, when, kind in _ends(bound, now=now):
        if cluster not in found or when < found[cluster].when:
            found[cluster] = Soonest(when=when, kind=kind)
    return found


def _ends(bound: Bindings, *, now: dt.datetime) -> Iterator[tuple[int, dt.datetime, Ends]]:
    bundles = WatchedAPIService.objects.filter(ca_not_after__isnull=False).order_by()
    first = bundles.values("cluster").annotate(first=Min("ca_not_after"))
    for cluster, when in first.values_list("cluster", "first"):
        yield cluster, when, Ends.BUNDLE
    seen = SeenCertificate.objects.order_by().values("cluster").annotate(first=Min("not_after"))
    for cluster, when in seen.values_list("cluster", "first"):
        yield cluster, when, Ends.SEEN
    authorities = live_authorities().filter(pk__in={*bound.front, *bound.serving}).order_by()
    for pk, when in authorities.values_list("pk", "not_after"):
        for cluster in (*bound.front.get(pk, ()), *bound.serving.get(pk, ())):
            yield cluster, when, Ends.AUTHORITY
    yield from _proxies(bound, now=now)
    yield from _served(bound, now=now)


def _proxies(bound: Bindings, *, now: dt.datetime) -> Iterator[tuple[int, dt.datetime, Ends]]:
    proxies = live_certificates(now=now).filter(proxy_certificates(bound.front.keys())).order_by()
    first = proxies.values("authority").annotate(first=Min("not_after"))
    for pk, when in first.values_list("authority", "first"):
        for cluster in bound.front[pk]:
            yield cluster, when, Ends.PROXY


def _served(bound: Bindings, *, now: dt.datetime) -> Iterator[tuple[int, dt.datetime, Ends]]:
    names = CertificateName.objects.filter(kind="dns", value__in=bound.backends.keys())
    certificates = live_certificates(now=now).filter(authority__isnull=False)
    rows = names.filter(certificate__in=certificates)
    columns = ("certificate__authority", "certificate__authority__subject", "value")
    first = rows.order_by().values(*columns).annotate(first=Min("certificate__not_after"))
    for pk, subject, host, when in first.values_list(*columns, "first"):
        for backend in bound.backends[host]:
            trusted = backend.cluster in bound.serving.get(pk, ())
            if trusted or backend.ca_subject == subject:
                yield backend.cluster, when, Ends.SERVING
