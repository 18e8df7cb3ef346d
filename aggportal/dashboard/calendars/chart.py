"""How much ends in which month, as bars: plain numbers for an SVG template."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, TOP, BASE, MONTHS = 960, 18, 96, 12
_GAP = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One month: `held` are ends of what clusters hold, `ours` of what we issued.

    Ours stand on top. All lengths are of the drawing.
    """

    month: dt.date
    held: int
    ours: int
    x: int
    width: int
    middle: int
    held_y: int
    held_height: int
    ours_y: int
    ours_height: int

    @property
    def total(self) -> int:
        return self.held + self.ours

    @property
    def label_y(self) -> int:
        return self.ours_y - 5


def lay_out_bars(
    held: Mapping[dt.date, int], ours: Mapping[dt.date, int], *, today: dt.date
) -> tuple[Bar, ...]:
    """Bars for twelve months from this one; maps count by the first of a month."""
    months = [_month(today, number) for number in range(MONTHS)]
    most = max([held.get(each, 0) + ours.get(each, 0) for each in months] + [1])
    share = WIDTH // MONTHS
    return tuple(
        _bar(each, (held.get(each, 0), ours.get(each, 0)), x=number * share, most=most)
        for number, each in enumerate(months)
    )


def _bar(month: dt.date, counts: Sequence[int], *, x: int, most: int) -> Bar:
    heights = [_height(count, most) for count in counts]
    held_y = BASE - heights[0]
    return Bar(
        month=month,
        held=counts[0],
        ours=counts[1],
        x=x + _GAP,
        width=WIDTH // MONTHS - 2 * _GAP,
        middle=x + WIDTH // MONTHS // 2,
        held_y=held_y,
        held_height=heights[0],
        ours_y=held_y - heights[1],
        ours_height=heights[1],
    )


def _height(count: int, most: int) -> int:
    """In proportion, but what is there is seen."""
    return max(round((BASE - TOP - 4) * count / most), 2) if count else 0


def _month(today: dt.date, number: int) -> dt.date:
    years, month = divmod(today.month - 1 + number, 12)
    return dt.date(today.year + years, month + 1, 1)
