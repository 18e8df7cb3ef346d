"""The page of the calendar: what is asked for, one page of ends by month, the bars above."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext_lazy

from aggportal.clusters.bindings import hosts_of, read_bindings
from aggportal.clusters.models import Cluster
from aggportal.clusters.scaled import read_scaled
from aggportal.dashboard.calendars.chart import MONTHS, Bar, lay_out_bars
from aggportal.dashboard.calendars.sources import (
    BUNDLE,
    CERTIFICATE,
    SEEN,
    Slice,
    Source,
    cut,
    read_key,
    sources,
)
from aggportal.dashboard.calendars.wording import Ending, Words

SIZE = 50
USUAL = "1y"
WITHIN = {
    "30d": (30, gettext_lazy("30 days")),
    "90d": (90, gettext_lazy("90 days")),
    "1y": (365, gettext_lazy("a year")),
    "all": (None, gettext_lazy("ever")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the address asks for. `cluster` is a slug, empty for all."""

    cluster: str = ""
    within: str = USUAL
    before: str = ""
    after: str = ""

    def until(self, now: dt.datetime) -> dt.datetime | None:
        days, _ = WITHIN[self.within]
        return None if days is None else now + dt.timedelta(days=days)


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """What ends in one month; `first` is None for what has ended already."""

    first: dt.date | None
    endings: tuple[Ending, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One filter to choose."""

    value: str
    label: str
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarPage:
    """All that the page shows. `unknown` is a cluster that there is not."""

    wanted: Wanted
    clusters: tuple[Choice, ...]
    within: tuple[Choice, ...]
    months: tuple[Month, ...]
    bars: tuple[Bar, ...]
    sooner: str
    later: str

    @property
    def is_narrowed(self) -> bool:
        return bool(self.wanted.cluster) or self.wanted.within != "all"

    @property
    def has_bars(self) -> bool:
        return any(bar.total for bar in self.bars)


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """What makes no sense counts as absent; a cluster that there is not finds nothing."""
    within = query.get("within", "")
    return Wanted(
        cluster=query.get("cluster", "").replace("\x00", "")[:64],
        within=within if within in WITHIN else USUAL,
        before=query.get("before", ""),
        after=query.get("after", ""),
    )


def make_calendar(wanted: Wanted, *, now: dt.datetime) -> CalendarPage:
    """Read one page of what ends; fourteen queries however much there is."""
    bound = read_bindings()
    clusters = sorted(bound.clusters.values(), key=lambda each: each.name.casefold())
    chosen = next((each for each in clusters if each.slug == wanted.cluster), None)
    known = not wanted.cluster or chosen is not None
    found = sources(bound, cluster=chosen, until=wanted.until(now), now=now) if known else ()
    before, after = read_key(wanted.before), read_key(wanted.after)
    page = cut(found, before=before, after=after, size=SIZE)
    words = Words(bound=bound, hosts=_hosts(page), scaled=read_scaled(bound.clusters), now=now)
    endings = [words.say(hit.row, hit.key.when) for hit in page.hits]
    return CalendarPage(
        wanted=wanted,
        clusters=_cluster_choices(clusters, wanted),
        within=tuple(
            Choice(value=value, label=str(label), active=value == wanted.within)
            for value, (_, label) in WITHIN.items()
        ),
        months=by_month(endings),
        bars=_bars(found, now=now),
        sooner=page.sooner,
        later=page.later,
    )


def count_within(within: str, *, now: dt.datetime) -> int:
    """How many ends the calendar shows with this choice of `WITHIN`; eight queries."""
    until = Wanted(within=within).until(now)
    found = sources(read_bindings(), cluster=None, until=until, now=now)
    return sum(source.rows.order_by().count() for source in found)


def by_month(endings: Iterable[Ending]) -> tuple[Month, ...]:
    """In the order given; what is over stands by itself."""
    grouped = groupby(endings, key=lambda each: None if each.is_over else _first(each.when))
    return tuple(Month(first=first, endings=tuple(found)) for first, found in grouped)


def _first(when: dt.datetime) -> dt.date:
    return when.astimezone(dt.UTC).date().replace(day=1)


def _hosts(page: Slice) -> dict[int, list[str]]:
    return hosts_of([hit.key.pk for hit in page.hits if hit.key.source == CERTIFICATE])


def _cluster_choices(clusters: Sequence[Cluster], wanted: Wanted) -> tuple[Choice, ...]:
    return tuple(
        Choice(value=each.slug, label=each.name, active=each.slug == wanted.cluster)
        for each in clusters
    )


def _bars(found: Sequence[Source], *, now: dt.datetime) -> tuple[Bar, ...]:
    """Count by month, a query a source."""
    held: Counter[dt.date] = Counter()
    ours: Counter[dt.date] = Counter()
    end = now + dt.timedelta(days=31 * (MONTHS + 1))
    for rank, source in enumerate(found):
        within = {f"{source.column}__gt": now, f"{source.column}__lt": end}
        rows = source.rows.select_related(None).defer(None).filter(**within).order_by()
        counted = rows.annotate(month=TruncMonth(source.column)).values("month")
        into = held if rank in (SEEN, BUNDLE) else ours
        for month, number in counted.annotate(number=Count("pk")).values_list("month", "number"):
            into[month.date()] += number
    return lay_out_bars(held, ours, today=now.date())
