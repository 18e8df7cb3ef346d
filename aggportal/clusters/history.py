"""What was so from when to when: an APIService's availability, and how much of the time it was up.

What happened while nobody heard of the cluster is not known: it counts neither as up nor as down.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from django.utils.timesince import timesince

from aggportal.clusters.models import Availability

_EPOCH = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
NOTHING = dt.timedelta(0)
# A watch is asked for a sign of life every 5 s: shorter gaps are no silence.
GAP = dt.timedelta(seconds=60)
RANGES = {
    "24h": dt.timedelta(hours=24),
    "7d": dt.timedelta(days=7),
    "30d": dt.timedelta(days=30),
}
USUAL = "7d"


class Change(Protocol):
    """A transition, or what is enough of one."""

    @property
    def at(self) -> dt.datetime: ...

    @property
    def came_from(self) -> str: ...

    @property
    def went_to(self) -> str: ...


class Turn(NamedTuple):
    """A change of status alone."""

    at: dt.datetime
    came_from: str
    went_to: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From `start` to `end`."""

    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A time of one status; empty where none is known."""

    start: dt.datetime
    end: dt.datetime
    status: str

    @property
    def length(self) -> dt.timedelta:
        return self.end - self.start


@dataclass(frozen=True, kw_only=True, slots=True)
class Uptime:
    """How long it was available, not available, and how long nobody knew."""

    up: dt.timedelta
    down: dt.timedelta
    unknown: dt.timedelta

    @property
    def percent(self) -> float | None:
        """Of the time that is known, from 0 to 100; None where nothing is."""
        known = self.up + self.down
        return 100 * (self.up / known) if known else None

    @property
    def text(self) -> str:
        """As people say it, never rounded up to a hundred: "99.98 %"; a dash for nothing."""
        percent = self.percent
        if percent is None:
            return "–"
        if percent == 100:
            return "100 %"
        return f"{int(percent * 100) / 100:.2f} %"

    @property
    def unknown_text(self) -> str:
        """How long nobody knew: "2 days, 3 hours"."""
        return timesince(_EPOCH, _EPOCH + self.unknown)


def stretches(
    changes: Iterable[Change],
    *,
    status: str,
    span: Span,
    silences: Sequence[Span] = (),
) -> tuple[Stretch, ...]:
    """The stretches that fill `span` without gaps; `changes` oldest first, `status` the
    present one.

    Before the first change stands what it came from; without any, the present status. Silences
    (by their beginning) take what they cover.
    """
    inside = [each for each in changes if span.start < each.at <= span.end]
    held, since = inside[0].came_from if inside else status, span.start
    found: list[Stretch] = []
    for each in inside:
        found.append(Stretch(start=since, end=each.at, status=held))
        held, since = each.went_to, each.at
    found.append(Stretch(start=since, end=span.end, status=held))
    return tuple(_joined(_silenced(found, silences)))


def uptime(found: Iterable[Stretch]) -> Uptime:
    """Add up the stretches; what Kubernetes itself calls Unknown is not known."""
    sums = {Availability.TRUE.value: NOTHING, Availability.FALSE.value: NOTHING}
    unknown = NOTHING
    for each in found:
        if each.status in sums:
            sums[each.status] += each.length
        else:
            unknown += each.length
    up, down = sums.values()
    return Uptime(up=up, down=down, unknown=unknown)


def _silenced(found: Sequence[Stretch], silences: Sequence[Span]) -> Iterator[Stretch]:
    """Cut the silences out of the stretches, both in order."""
    first = 0
    for each in found:
        at = each.start
        while first < len(silences) and silences[first].end <= each.start:
            first += 1
        place = first
        while place < len(silences) and silences[place].start < each.end and at < each.end:
            start = max(silences[place].start, at)
            end = min(silences[place].end, each.end)
            if end > start:
                yield Stretch(start=at, end=start, status=each.status)
                yield Stretch(start=start, end=end, status="")
                at = end
            place += 1
        yield Stretch(start=at, end=each.end, status=each.status)


def _joined(found: Iterable[Stretch]) -> list[Stretch]:
    """Without empty ones, equal neighbours as one."""
    joined: list[Stretch] = []
    for each in found:
        if each.end <= each.start:
            continue
        if joined and joined[-1].status == each.status:
            each = Stretch(start=joined.pop().start, end=each.end, status=each.status)
        joined.append(each)
    return joined
