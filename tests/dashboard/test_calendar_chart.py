"""Bars of twelve months: within the drawing, in proportion, nothing that is there unseen."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from aggportal.dashboard.calendars.chart import BASE, MONTHS, TOP, WIDTH, lay_out_bars

TODAY = dt.date(2026, 11, 23)
COUNTS = st.dictionaries(
    st.dates(dt.date(2026, 11, 1), dt.date(2027, 10, 1)).map(lambda day: day.replace(day=1)),
    st.integers(0, 10**6),
)


def test_there_are_twelve_months_from_this_one():
    bars = lay_out_bars({}, {}, today=TODAY)
    assert len(bars) == MONTHS
    assert (bars[0].month, bars[-1].month) == (dt.date(2026, 11, 1), dt.date(2027, 10, 1))


@given(COUNTS, COUNTS)
def test_bars_stay_inside_and_show_what_is_there(held, ours):
    for bar in lay_out_bars(held, ours, today=TODAY):
        assert TOP - 4 <= bar.ours_y <= bar.held_y <= BASE
        assert 0 <= bar.x < bar.x + bar.width <= WIDTH
        assert bool(bar.held) == bool(bar.held_height)
        assert bool(bar.ours) == bool(bar.ours_height)
