"""Paging by key: every page costs the same, however deep, unlike OFFSET."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

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
