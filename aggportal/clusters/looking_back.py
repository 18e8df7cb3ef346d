"""How the availability of one APIService changed: a strip, uptime, transitions with reasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext_lazy

from aggportal.clusters.history import RANGES, USUAL, Span, Turn, Uptime, stretches, uptime
from aggportal.clusters.models import Transition, WatchedAPIService
from aggportal.clusters.silences import silences_of
from aggportal.clusters.strips import Part, draw
from aggportal.kube.causes import Cause, explain
from aggportal.web.pagination import Page, page_by_id

SIZE = 25
_LABELS = {
    "24h": gettext_lazy("24 hours"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedHistory:
    """What the address asks for: a key of `RANGES`, and a page of the transitions."""

    range: str = USUAL
    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One transition with the words for its cause."""

    transition: Transition
    cause: Cause | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One range to choose, with the uptime in it; `strip` is that of the chosen one."""

    value: str
    label: str
    active: bool
    uptime: Uptime
    strip: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """`events` are the rows of `page`."""

    choices: tuple[Choice, ...]
    events: tuple[Event, ...]
    page: Page[Transition]
    days: int

    @property
    def chosen(self) -> Choice:
        return next(each for each in self.choices if each.active)


def read_wanted(query: Mapping[str, str]) -> WantedHistory:
    """What makes no sense counts as absent."""
    asked = query.get("range", "")
    return WantedHistory(
        range=asked if asked in RANGES else USUAL,
        before=query.get("before", ""),
        after=query.get("after", ""),
    )


def read_history(row: WatchedAPIService, wanted: WantedHistory, *, now: dt.datetime) -> History:
    """The history of `row`, which comes with its cluster's state; three queries."""
    all_of_it = Transition.objects.filter(cluster=row.cluster, name=row.name)
    page = page_by_id(all_of_it, before=wanted.before, after=wanted.after, size=SIZE)
    longest = Span(start=_start(max(RANGES.values()), now=now), end=now)
    turned = all_of_it.filter(at__gt=longest.start).exclude(came_from=F("went_to"))
    rows = turned.order_by("at", "pk").values_list("at", "came_from", "went_to")
    turns = [Turn(*each) for each in rows.iterator()]
    silences = silences_of(row.cluster, longest)
    choices = tuple(
        _choice(key, turns, silences, status=row.available, now=now, active=key == wanted.range)
        for key in RANGES
    )
    events = tuple(Event(transition=each, cause=_cause(each)) for each in page.rows)
    return History(choices=choices, events=events, page=page, days=settings.HISTORY_DAYS)


def _choice(
    key: str,
    turns: Sequence[Turn],
    silences: Sequence[Span],
    *,
    status: str,
    now: dt.datetime,
    active: bool,
) -> Choice:
    span = Span(start=_start(RANGES[key], now=now), end=now)
    found = stretches(turns, status=status, span=span, silences=silences)
    return Choice(
        value=key,
        label=str(_LABELS[key]),
        active=active,
        uptime=uptime(found),
        strip=draw(found, span=span) if active else (),
    )


def _start(length: dt.timedelta, *, now: dt.datetime) -> dt.datetime:
    """Not before what is kept."""
    return now - min(length, dt.timedelta(days=settings.HISTORY_DAYS))


def _cause(transition: Transition) -> Cause | None:
    if transition.went_to in ("", "True"):
        return None
    return explain(reason=transition.reason, message=transition.message)
