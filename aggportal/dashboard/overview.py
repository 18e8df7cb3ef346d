"""What the first page and the search gather from the apps below."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from aggportal.certs.models import Authority, Certificate, OwnRequest, SigningRequest
from aggportal.clusters.health import Worst, worst_by_cluster
from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.dashboard.timeline import Expiry
from aggportal.notices.services.ending import standing, standing_authorities
from aggportal.web.sentences import visible

HORIZON = dt.timedelta(days=190)
MOST = 50
MOST_FOUND = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One of the figures on top: a number that leads somewhere.

    `tone` is empty, ok, warn or bad.
    """

    label: str
    value: str
    url: str
    symbol: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One hit of the search."""

    kind: str
    label: str
    detail: str
    url: str


def expiries(*, now: dt.datetime) -> list[Expiry]:
    """Return what ends within half a year and has no good successor: authorities, certificates,
    caBundles; soonest first.
    """
    until = now + HORIZON
    ending: list[Expiry] = [
        Expiry(
            when=authority.not_after,
            label=visible(authority.label),
            url=authority.get_absolute_url(),
        )
        for authority in standing_authorities(now=now)
        .filter(not_after__lte=until)
        .order_by("not_after")[:MOST]
    ]
    certificates = standing(Certificate.objects.expiring(within=HORIZON, now=now), now=now)
    ending += [
        Expiry(when=row.not_after, label=visible(row), url=row.get_absolute_url())
        for row in certificates.order_by("not_after")[:MOST]
    ]
    bundles = WatchedAPIService.objects.filter(ca_not_after__lte=until).select_related("cluster")
    ending += [
        Expiry(
            when=row.ca_not_after,
            label=_("caBundle of %(name)s") % {"name": visible(row.name)},
            url=row.get_absolute_url(),
        )
        for row in bundles.defer("raw").order_by("ca_not_after")[:MOST]
        if row.ca_not_after
    ]
    return sorted(ending, key=lambda one: one.when)


def clusters_with_worst(*, now: dt.datetime) -> list[tuple[Cluster, Worst | None]]:
    """Return each cluster with the worst that the doctor found in it, by name."""
    worst = worst_by_cluster(now=now)
    clusters = Cluster.objects.select_related("state", "examination")
    return [(each, worst.get(each.pk)) for each in clusters.defer("examination__standing")]


def find(text: str) -> list[Found]:
    """Find certificates (name, SAN, serial, fingerprint), authorities, clusters, APIServices, and
    requests that wait.
    """
    return [
        *(
            Found(
                kind=_("Authority"), label=row.label, detail=row.subject, url=row.get_absolute_url()
            )
            for row in _authorities(text)
        ),
        *(
            Found(kind=_("Cluster"), label=row.name, detail=row.server, url=row.get_absolute_url())
            for row in Cluster.objects.filter(name__icontains=text)[:MOST_FOUND]
        ),
        *(
            Found(
                kind="APIService",
                label=row.name,
                detail=row.cluster.name,
                url=row.get_absolute_url(),
            )
            for row in _apiservices(text)
        ),
        *_waiting_requests(text),
        *(
            Found(
                kind=_("Certificate"), label=str(row), detail=row.serial, url=row.get_absolute_url()
            )
            for row in Certificate.objects.matching(text).order_by("-pk")[:MOST_FOUND]
        ),
    ]


def _waiting_requests(text: str) -> list[Found]:
    """Requests that wait for a decision, and ours that wait for their certificate."""
    asked = SigningRequest.objects.waiting().filter(subject__icontains=text)
    own = OwnRequest.objects.filter(answered_at=None)
    own = own.filter(subject__icontains=text) | own.filter(label__icontains=text)
    kinds = ((_("Signing request"), asked), (_("Our own request"), own))
    return [
        Found(kind=kind, label=row.subject, detail=_("waits"), url=row.get_absolute_url())
        for kind, rows in kinds
        for row in rows.order_by("-pk")[:MOST_FOUND]
    ]


def _authorities(text: str) -> list[Authority]:
    digits = text.replace(":", "").lower()
    named = Authority.objects.filter(label__icontains=text) | Authority.objects.filter(
        subject__icontains=text
    )
    exact = Authority.objects.filter(serial=digits) | Authority.objects.filter(
        fingerprint_sha256=digits
    )
    return list((named | exact)[:MOST_FOUND])


def _apiservices(text: str) -> list[WatchedAPIService]:
    rows = WatchedAPIService.objects.matching(text).defer("raw").select_related("cluster")
    return list(rows.order_by("name")[:MOST_FOUND])
