"""Paging by key: every page costs the same, however deep, unlike OFFSET."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[M]):
    """One page of rows, newest first; `older`, `newer` are ids to pass on, None at the end."""

    rows: Sequence[M]
    older: int | None
    newer: int | None


def page_by_id(rows: QuerySet[M], *, before: str = "", after: str = "", size: int = 50) -> Page[M]:
    """Cut one page of `rows` by descending primary key: those before an id, or the ones just after
    it.

    `before` and `after` come from the address bar: what is not a number counts as absent.
    """
    if after.isdecimal() and len(after) < 19:
        found = list(rows.filter(pk__gt=int(after)).order_by("pk")[: size + 1])
        more_newer, shown = len(found) > size, found[:size][::-1]
        more_older = bool(shown)
    else:
        older_than = before.isdecimal() and len(before) < 19
        cut = rows.filter(pk__lt=int(before)) if older_than else rows
        found = list(cut.order_by("-pk")[: size + 1])
        more_older, shown = len(found) > size, found[:size]
        more_newer = older_than and bool(shown)
    return Page(
        rows=shown,
        older=shown[-1].pk if more_older else None,
        newer=shown[0].pk if more_newer else None,
    )


def capped_count(rows: QuerySet[M], *, cap: int = 10_000) -> str:
    """Count `rows` up to `cap`: beyond it a page needs no exact figure ("10,000+")."""
    found = rows.order_by()[: cap + 1].count()
    return f"{cap:,}+" if found > cap else f"{found:,}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order(Generic[M]):
    """Rows in groups that follow each other, each group ascending by `key` and then by id.

    `group_of` tells the place of the group that a row belongs to.
    """

    groups: Sequence[QuerySet[M]]
    key: str
    group_of: Callable[[M], int]


def page_in_order(order: Order[M], *, before: str = "", after: str = "", size: int = 50) -> Page[M]:
    """Cut one page: the rows that follow the row with the id `before`, or those just above the one
    with the id `after`; the first page where neither names a row.

    The row itself need not be among those that are listed any more: only its place counts.
    """
    upwards = _row(order, after)
    if upwards is not None:
        found = _walk(order, upwards, size + 1, forwards=False)
        shown = found[:size][::-1]
        return _page(shown, follows=bool(shown), precedes=len(found) > size)
    start = _row(order, before)
    found = _walk(order, start, size + 1, forwards=True)
    shown = found[:size]
    return _page(shown, follows=len(found) > size, precedes=start is not None and bool(shown))


def _page(shown: Sequence[M], *, follows: bool, precedes: bool) -> Page[M]:
    return Page(
        rows=shown,
        older=shown[-1].pk if follows else None,
        newer=shown[0].pk if precedes else None,
    )


def _row(order: Order[M], pk: str) -> M | None:
    if not pk.isdecimal() or len(pk) > 18:
        return None
    return order.groups[0].model._base_manager.filter(pk=int(pk)).first()


def _walk(order: Order[M], start: M | None, count: int, *, forwards: bool) -> list[M]:
    """Return up to `count` rows beyond `start`, nearest first, group after group."""
    last = len(order.groups) - 1
    first = order.group_of(start) if start is not None else 0
    places = range(first, last + 1) if forwards else range(first, -1, -1)
    by = (order.key, "pk") if forwards else (f"-{order.key}", "-pk")
    found: list[M] = []
    for place in places:
        rows = order.groups[place]
        if start is not None and place == first:
            rows = _beyond(rows, order.key, start, forwards=forwards)
        found += rows.order_by(*by)[: count - len(found)]
        if len(found) == count:
            break
    return found


def _beyond(rows: QuerySet[M], key: str, start: M, *, forwards: bool) -> QuerySet[M]:
    """Keep the rows beyond `start`. In the form a>=x AND (a>x OR id>y) an index serves it."""
    word = "gt" if forwards else "lt"
    by_id = Q(**{f"pk__{word}": start.pk})
    if key == "pk":
        return rows.filter(by_id)
    value = getattr(start, key)
    return rows.filter(**{f"{key}__{word}e": value}).filter(Q(**{f"{key}__{word}": value}) | by_id)
