"""Where ends come from: four tables, each in the order of its ends, cut as one list by key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from aggportal.certs.models import CertificateName
from aggportal.clusters.bindings import (
    Bindings,
    front_proxy_of,
    live_authorities,
    live_certificates,
    proxy_certificates,
)
from aggportal.clusters.models import Cluster, SeenCertificate, WatchedAPIService


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Rows that end; `column` holds when."""

    rows: QuerySet[Any]
    column: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A place in the list: when, which source, which row. Its text stands in addresses."""

    when: dt.datetime
    source: int
    pk: int

    def __str__(self) -> str:
        micros = (self.when - _EPOCH) // dt.timedelta(microseconds=1)
        return f"{micros}-{self.source}-{self.pk}"

    @property
    def place(self) -> tuple[dt.datetime, int, int]:
        return self.when, self.source, self.pk


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One row with its place."""

    key: Key
    row: Model


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """One page, soonest first; `sooner`, `later` are keys to pass on, empty at the end."""

    hits: tuple[Hit, ...]
    sooner: str
    later: str


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SEEN, BUNDLE, AUTHORITY, CERTIFICATE = range(4)


def read_key(text: str) -> Key | None:
    """The key that `text` spells; None for anything else."""
    parts = text.split("-")
    if len(text) > 60 or len(parts) != 3 or not all(p.isascii() and p.isdecimal() for p in parts):
        return None
    micros, source, pk = (int(part) for part in parts)
    if source > CERTIFICATE or pk >= 2**63 or micros > 2 * 10**17:
        return None
    return Key(when=_EPOCH + dt.timedelta(microseconds=micros), source=source, pk=pk)


def sources(
    bound: Bindings, *, cluster: Cluster | None, until: dt.datetime | None, now: dt.datetime
) -> tuple[Source, ...]:
    """What ends until then, of one cluster or of all. What clusters hold counts after its end too:
    it has stopped to work. Certificates of ours do not: they may have been replaced elsewhere.
    """
    found: tuple[Source, ...] = (
        Source(rows=_seen(), column="not_after"),
        Source(rows=_bundles(), column="ca_not_after"),
        Source(rows=live_authorities().filter(not_after__gte=now), column="not_after"),
        Source(rows=_certificates(now=now), column="not_after"),
    )
    if cluster is not None:
        narrowed = _of_cluster(bound, cluster)
        found = tuple(
            Source(rows=each.rows.filter(narrowed[rank]), column=each.column)
            for rank, each in enumerate(found)
        )
    if until is not None:
        found = tuple(
            Source(rows=each.rows.filter(**{f"{each.column}__lte": until}), column=each.column)
            for each in found
        )
    return found


def cut(found: Sequence[Source], *, before: Key | None, after: Key | None, size: int) -> Slice:
    """One page of all sources: what follows `after`, or what is just before `before`; a query a
    source.
    """
    backwards = before is not None
    start = before or after
    hits: list[Hit] = []
    for rank, source in enumerate(found):
        rows = source.rows
        if start is not None:
            rows = rows.filter(_beyond(source.column, rank, start, backwards=backwards))
        sign = "-" if backwards else ""
        rows = rows.order_by(f"{sign}{source.column}", f"{sign}pk")
        for row in rows[: size + 1]:
            key = Key(when=getattr(row, source.column), source=rank, pk=row.pk)
            hits.append(Hit(key=key, row=row))
    hits.sort(key=lambda hit: hit.key.place, reverse=backwards)
    more, shown = len(hits) > size, hits[:size]
    if backwards:
        shown.reverse()
    if not shown:
        return Slice(hits=(), sooner="", later="")
    first, last = str(shown[0].key), str(shown[-1].key)
    has_sooner = more if backwards else start is not None
    has_later = True if backwards else more
    return Slice(
        hits=tuple(shown), sooner=first if has_sooner else "", later=last if has_later else ""
    )


def _beyond(column: str, rank: int, start: Key, *, backwards: bool) -> Q:
    word = "lt" if backwards else "gt"
    strictly = Q(**{f"{column}__{word}": start.when})
    ahead = rank < start.source if backwards else rank > start.source
    if ahead:
        return Q(**{f"{column}__{word}e": start.when})
    if rank == start.source:
        reached = Q(**{f"{column}__{word}e": start.when})
        return reached & (strictly | Q(**{f"pk__{word}": start.pk}))
    return strictly


def _seen() -> QuerySet[SeenCertificate]:
    """CAs that clusters hold, but for those that are authorities of ours: these stand as such."""
    ours = live_authorities().filter(fingerprint_sha256=OuterRef("fingerprint_sha256"))
    return SeenCertificate.objects.filter(~Exists(ours)).select_related("cluster")


def _bundles() -> QuerySet[WatchedAPIService]:
    rows = WatchedAPIService.objects.filter(ca_not_after__isnull=False)
    return rows.defer("raw", "message", "tls_trouble").select_related("cluster")


def _certificates(*, now: dt.datetime) -> QuerySet[Any]:
    return live_certificates(now=now).select_related("authority")


def _of_cluster(bound: Bindings, cluster: Cluster) -> tuple[Q, Q, Q, Q]:
    """What each source is narrowed by, in their order."""
    pk = front_proxy_of(bound.clusters.get(cluster.pk, cluster))
    serving = [each for each, clusters in bound.serving.items() if cluster.pk in clusters]
    front = [pk] if pk is not None else []
    subjects: dict[str, list[str]] = {}
    for backends in bound.backends.values():
        for backend in backends:
            if backend.cluster == cluster.pk:
                subjects.setdefault(backend.ca_subject, []).append(backend.host)
    hosts = sorted({host for found in subjects.values() for host in found})
    certificates = proxy_certificates(front) | Q(authority__in=serving, pk__in=_named(hosts))
    for subject, those in subjects.items():
        if subject:
            certificates |= Q(authority__subject=subject, pk__in=_named(those))
    own = Q(cluster=cluster)
    return own, own, Q(pk__in=[*front, *serving]), certificates


def _named(hosts: Sequence[str]) -> QuerySet[Any]:
    return CertificateName.objects.filter(kind="dns", value__in=hosts).values("certificate")
