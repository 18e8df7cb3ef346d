"""What the page of a cluster shows: its APIServices worst first, filtered, counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass

from django.db import models
from django.utils.translation import get_language, gettext_lazy

from aggportal.clusters.health import Worst, worst_of
from aggportal.clusters.history import Span, stretches
from aggportal.clusters.liveness import Liveness, liveness_of
from aggportal.clusters.models import (
    Availability,
    Cluster,
    ClusterState,
    Lease,
    Tls,
    WatchedAPIService,
)
from aggportal.clusters.models.apiservices import CARE_DAYS
from aggportal.clusters.rows import Drawing, Row, make_row, row_markup
from aggportal.clusters.silences import silences_of
from aggportal.clusters.strips import by_name
from aggportal.clusters.why import read_chart

STRIP = dt.timedelta(hours=24)
TURN = dt.timedelta(minutes=5)


class Filter(models.TextChoices):
    """Which rows are wanted."""

    ALL = "all", gettext_lazy("All")
    UNAVAILABLE = "unavailable", gettext_lazy("Not available")
    CARE = "care", gettext_lazy("Needs care")
    OURS = "ours", gettext_lazy("Ours")
    LOCAL = "local", gettext_lazy("Local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a person asked to see: `newer_than`, `was` and `drawn` are what the page has (polling).

    `was` is the mark of the liveness, `drawn` the turn of the clock (`turn_of`).
    """

    state: str = Filter.ALL.value
    text: str = ""
    newer_than: int | None = None
    was: str = ""
    drawn: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """One filter with the number of rows that it leaves."""

    value: str
    label: str
    number: int
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """All that the table and its surroundings show."""

    cluster: Cluster
    state: ClusterState
    liveness: Liveness
    drawn: str
    wanted: Wanted
    rows: tuple[Row, ...]
    counts: tuple[Count, ...]
    worst: Worst | None = None

    def lines(self) -> Iterator[str]:
        """Yield the markup of each row."""
        language, old = get_language() or "", self.liveness.is_old
        return (row_markup(row, old=old, language=language) for row in self.rows)


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """What the address asks for; what makes no sense counts as absent."""
    state, newer_than = query.get("state", ""), query.get("newer_than", "")
    known = newer_than.isdecimal() and newer_than.isascii() and len(newer_than) < 19
    return Wanted(
        state=state if state in Filter.values else Filter.ALL.value,
        text=query.get("q", "").strip()[:200],
        newer_than=int(newer_than) if known else None,
        was=query.get("was", ""),
        drawn=query.get("drawn", ""),
    )


def is_shown_already(
    wanted: Wanted, state: ClusterState, lease: Lease | None, *, now: dt.datetime
) -> bool:
    """Whether the page that asks has everything: same version, as live as it says, not too old."""
    return (
        wanted.newer_than is not None
        and state.version == wanted.newer_than
        and liveness_of(state, lease, now=now).mark == wanted.was
        and wanted.drawn in ("", turn_of(now))
    )


def turn_of(now: dt.datetime) -> str:
    """Changes every five minutes: strips and times to expiry move on though nothing happens."""
    return str(int(now.timestamp() // TURN.total_seconds()))


def make_board(cluster: Cluster, lease: Lease | None, wanted: Wanted, *, now: dt.datetime) -> Board:
    """Read the rows, what happened to them in the last day, what the doctor found of them; four
    queries, and one where something fails.
    """
    found = list(cluster.apiservices.worst_first(now=now).defer("raw", "tls_trouble"))
    sets = _sets(found, now=now)
    liveness = liveness_of(cluster.state, lease, now=now)
    day = Span(start=now - STRIP, end=now)
    happened = cluster.transitions.filter(at__gt=day.start).order_by("at", "pk")
    lately = by_name(happened.defer("reason", "message", "cause"))
    silences = silences_of(cluster, day)
    text = wanted.text.casefold()
    told = read_chart(cluster, now=now)
    base = f"{cluster.get_absolute_url()}apiservices/"
    drawing = Drawing(day=day, base=base, told=told, newer_than=wanted.newer_than)
    rows = tuple(
        make_row(
            each,
            stretches(
                lately.get(each.name, ()), status=each.available, span=day, silences=silences
            ),
            drawing,
            now=now,
        )
        for each in sets[wanted.state]
        if not text or text in f"{each.name} {each.service} {each.reason}".casefold()
    )
    return Board(
        cluster=cluster,
        state=cluster.state,
        liveness=liveness,
        drawn=turn_of(now),
        wanted=wanted,
        rows=rows,
        counts=_counts(sets, wanted),
        worst=worst_of(told.loud),
    )


def _counts(sets: Mapping[str, Sized], wanted: Wanted) -> tuple[Count, ...]:
    return tuple(
        Count(
            value=choice.value,
            label=str(choice.label),
            number=len(sets[choice.value]),
            active=choice.value == wanted.state,
        )
        for choice in Filter
    )


def _sets(
    found: Sequence[WatchedAPIService], *, now: dt.datetime
) -> dict[str, Sequence[WatchedAPIService]]:
    return {
        Filter.ALL.value: found,
        Filter.UNAVAILABLE.value: [
            row for row in found if row.available != Availability.TRUE.value
        ],
        Filter.CARE.value: [row for row in found if needs_care(row, now=now)],
        Filter.OURS.value: [row for row in found if not row.is_local],
        Filter.LOCAL.value: [row for row in found if row.is_local],
    }


def needs_care(row: WatchedAPIService, *, now: dt.datetime) -> bool:
    """The same as `WatchedAPIServiceQuerySet.needing_care`, for a row at hand."""
    ends_soon = row.ca_not_after is not None and row.ca_not_after < now + dt.timedelta(
        days=CARE_DAYS
    )
    return row.tls in (Tls.UNVERIFIED, Tls.BROKEN) or ends_soon
