"""What stops working when, laid out as a drawing: plain numbers for an SVG template."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, AXIS = 960, 112, 78
LEFT, RIGHT = 16, WIDTH - 16
MONTHS = 6
_LEVELS = (18, 34, 50)
# About how wide a character of the 11 px label is.
_CHARACTER = 6.2
SOON, NEAR = dt.timedelta(days=14), dt.timedelta(days=45)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """One thing that ends: when, what it is called, where it is shown."""

    when: dt.datetime
    label: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """An expiry on the drawing: place, height of its label, tone (`ok`, `warn`, `bad`)."""

    expiry: Expiry
    x: float
    label_y: int
    anchor: str
    tone: str

    @property
    def label_x(self) -> float:
        """Where the label begins (or ends), beside its stem."""
        return self.x + (5 if self.anchor == "start" else -5)

    @property
    def stem_top(self) -> int:
        """Where the line from the dot ends, beside the label."""
        return self.label_y - 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """The first day of a month on the axis."""

    when: dt.datetime
    x: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """The drawing: marks of what ends within six months, month ticks, and how many marks found no
    room.
    """

    marks: Sequence[Mark]
    ticks: Sequence[Tick]
    left_out: int


def lay_out(expiries: Sequence[Expiry], *, now: dt.datetime, most: int = 12) -> Timeline:
    """Place the soonest expiries; a label that would cover another goes a level higher, or is left
    to the list.
    """
    end = _add_months(now, MONTHS)
    within = sorted((one for one in expiries if one.when <= end), key=lambda one: one.when)
    free_from = dict.fromkeys(_LEVELS, 0.0)
    marks: list[Mark] = []
    for expiry in within[:most]:
        x = LEFT + (RIGHT - LEFT) * max((expiry.when - now) / (end - now), 0)
        width = min(len(expiry.label), 28) * _CHARACTER + 14
        anchor = "end" if x + width > RIGHT else "start"
        start = x - width if anchor == "end" else x
        level = next((y for y in reversed(_LEVELS) if free_from[y] <= start), None)
        if level is None:
            continue
        free_from[level] = start + width
        marks.append(
            Mark(
                expiry=expiry,
                x=round(x, 1),
                label_y=level,
                anchor=anchor,
                tone=tone_of(expiry.when, now=now),
            )
        )
    return Timeline(marks=marks, ticks=_ticks(now, end), left_out=len(within) - len(marks))


def tone_of(when: dt.datetime, *, now: dt.datetime) -> str:
    """Say how pressing an end is: `bad` within 14 days, `warn` within 45, else `ok`."""
    if when - now <= SOON:
        return "bad"
    return "warn" if when - now <= NEAR else "ok"


def _ticks(now: dt.datetime, end: dt.datetime) -> tuple[Tick, ...]:
    firsts = (
        _add_months(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0), n)
        for n in range(1, 8)
    )
    return tuple(
        Tick(when=first, x=round(LEFT + (RIGHT - LEFT) * ((first - now) / (end - now)), 1))
        for first in firsts
        if first < end
    )


def _add_months(when: dt.datetime, months: int) -> dt.datetime:
    years, month = divmod(when.month - 1 + months, 12)
    return when.replace(year=when.year + years, month=month + 1, day=min(when.day, 28))
