"""Finding certificates, and paging what was found in its order."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from aggportal.certs.criteria import SOON, Criteria, Sort
from aggportal.certs.models import Authority, Certificate
from aggportal.web.pagination import Order, Page, page_by_id, page_in_order


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
