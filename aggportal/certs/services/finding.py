"""Finding certificates: what is wanted, and the orders in which what was found is paged."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.models import Authority, Certificate
from aggportal.pki.covering import Wanted
from aggportal.pki.identifying import Identifiers
from aggportal.web.pagination import Order, Page, page_by_id, page_in_order

SOON = dt.timedelta(days=30)


class Standing(models.TextChoices):
    """Where a certificate stands; a revoked one is nothing else, whatever its dates."""

    GOOD = "good", _l("valid")
    SOON = "soon", _l("ends within 30 days")
    EXPIRED = "expired", _l("expired")
    EARLY = "early", _l("not valid yet")
    REVOKED = "revoked", _l("revoked")
    HELD = "held", _l("on hold")
    RENEWED = "renewed", _l("renewed")


class Sort(models.TextChoices):
    """Orders of the list."""

    NEWEST = "", _l("newest first")
    ENDS = "ends", _l("soonest end first")
    NAME = "name", _l("by name")
    AUTHORITY = "authority", _l("by authority")


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """What is wanted. Empty and None say nothing; days are whole days of UTC, both ends included.

    `tag` and `profile` are whole, `owner` may be a part.
    """

    q: str = ""
    covers: Wanted | None = None
    serial: Identifiers | None = None
    state: str = ""
    authority: Authority | None = None
    profile: str = ""
    owner: str = ""
    tag: str = ""
    kind: str = ""
    origin: str = ""
    ends_from: dt.date | None = None
    ends_until: dt.date | None = None
    issued_from: dt.date | None = None
    issued_until: dt.date | None = None


def find_certificates(wanted: Criteria, *, now: dt.datetime) -> QuerySet[Certificate]:
    """Return every certificate that is as wanted, in no order."""
    found = Certificate.objects.matching(wanted.q)
    if wanted.covers is not None:
        found = found.covering(wanted.covers)
    if wanted.serial is not None:
        found = found.identified_by(wanted.serial)
    if wanted.state:
        found = found.standing(wanted.state, within=SOON, now=now)
    exactly = {
        "authority": wanted.authority,
        "profile": wanted.profile,
        "owner__icontains": wanted.owner,
        "tags__name": wanted.tag.lower(),
        "kind": wanted.kind,
        "origin": wanted.origin,
        "not_after__gte": _begin(wanted.ends_from),
        "not_after__lte": _end(wanted.ends_until),
        "issued_at__gte": _begin(wanted.issued_from),
        "issued_at__lte": _end(wanted.issued_until),
    }
    return found.filter(**{name: value for name, value in exactly.items() if value})


def page_of(
    found: QuerySet[Certificate], sort: Sort, *, before: str = "", after: str = "", size: int = 50
) -> Page[Certificate]:
    """Cut a page of `found`: the rows that follow the certificate `before` in the list, or those
    just above the certificate `after`; the first page where both are empty.
    """
    if sort is Sort.NEWEST:
        return page_by_id(found, before=before, after=after, size=size)
    return page_in_order(_order(found, sort), before=before, after=after, size=size)


def _order(found: QuerySet[Certificate], sort: Sort) -> Order[Certificate]:
    if sort is Sort.AUTHORITY:
        return _by_authority(found)
    key = "not_after" if sort is Sort.ENDS else "common_name"
    return Order(groups=(found,), key=key, group_of=lambda _row: 0)


def _by_authority(found: QuerySet[Certificate]) -> Order[Certificate]:
    """One group an authority, in the order of their labels; those of no authority of ours last.

    Sorting by the label itself would sort the whole table for each page.
    """
    ids = list(Authority.objects.order_by("label", "pk").values_list("pk", flat=True))
    places = {pk: place for place, pk in enumerate(ids)}
    groups = [found.filter(authority_id=pk) for pk in ids]
    return Order(
        groups=(*groups, found.filter(authority=None)),
        key="pk",
        group_of=lambda row: places.get(row.authority_id or 0, len(ids)),
    )


def _begin(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time.min, tzinfo=dt.UTC) if day else None


def _end(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time.max, tzinfo=dt.UTC) if day else None
