"""Each threshold is told once, and none is lost."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggportal.notices.deciding import (
    DAY,
    DEFAULT_DAYS,
    LOOK_BACK,
    day_stages,
    due_stage,
    last_slot,
    late_stages,
    shortest_life,
)

NOW = dt.datetime(2027, 3, 1, 12, 0, tzinfo=dt.UTC)
YEAR = dt.timedelta(days=365)
USUAL = day_stages(DEFAULT_DAYS, life=YEAR)


def code(ends, *, noticed=(), stages=USUAL):
    stage = due_stage(ends, stages, noticed=noticed, now=NOW)
    return None if stage is None else stage.code


@pytest.mark.parametrize(
    ("left", "expected"),
    [(31, None), (30, 30), (29, 30), (14, 14), (8, 14), (7, 7), (1, 1), (0, 0), (-2, 0)],
)
def test_the_tightest_threshold_that_is_reached_is_due(left, expected):
    assert code(NOW + left * DAY) == expected


def test_what_was_noticed_is_not_noticed_again():
    assert code(NOW + 7 * DAY, noticed=[30, 14, 7]) is None


def test_what_enters_late_is_noticed_once_at_the_tightest_threshold():
    ends = NOW + 5 * DAY
    assert code(ends) == 7
    assert code(ends, noticed=[7]) is None


def test_a_threshold_that_is_added_wider_later_says_nothing_about_the_past():
    stages = day_stages((60, *DEFAULT_DAYS), life=YEAR)
    assert code(NOW + 20 * DAY, noticed=[14], stages=stages) is None


def test_what_ended_long_ago_is_history():
    assert code(NOW - LOOK_BACK) == 0
    assert code(NOW - LOOK_BACK - dt.timedelta(seconds=1)) is None


def test_a_life_of_a_week_is_not_called_ending_when_it_is_born():
    stages = day_stages(DEFAULT_DAYS, life=7 * DAY)
    assert [stage.code for stage in stages] == [0, 1]
    assert shortest_life(14) == 21 * DAY


def test_what_renews_itself_is_told_of_when_that_is_late():
    stages = late_stages(life=6 * DAY)
    assert code(NOW + 2 * DAY, stages=stages) is None
    assert code(NOW + DAY, stages=stages) == 1
    assert code(NOW, noticed=[1], stages=stages) == 0


@given(
    days=st.sets(st.integers(0, 400), min_size=1, max_size=8),
    life=st.integers(1, 800),
    looks=st.lists(st.integers(-30 * 24, 500 * 24), min_size=1, max_size=60),
)
def test_however_often_one_looks_no_threshold_is_told_twice_and_none_is_lost(days, life, looks):
    ends = NOW
    stages = day_stages(days, life=life * DAY)
    noticed: list[int] = []
    for hours in sorted(looks, reverse=True):
        now = ends - dt.timedelta(hours=hours)
        stage = due_stage(ends, stages, noticed=noticed, now=now)
        if stage is not None:
            assert stage.code not in noticed
            assert ends - stage.before <= now
            noticed.append(stage.code)
        reached = [each.code for each in stages if ends - each.before <= now]
        # Whatever is reached was told, by itself or by a tighter one.
        assert not reached or (noticed and min(noticed) <= min(reached))
    assert noticed == sorted(set(noticed), reverse=True)


@given(
    days=st.sets(st.integers(0, 400), min_size=1, max_size=8), ends=st.integers(-20 * 24, 500 * 24)
)
def test_two_that_look_at_once_come_to_the_same(days, ends):
    stages = day_stages(days, life=YEAR)
    at = NOW + dt.timedelta(hours=ends)
    first = due_stage(at, stages, noticed=(), now=NOW)
    assert first == due_stage(at, tuple(reversed(stages)), noticed=(), now=NOW)


@given(
    seconds=st.integers(0, 40 * 86400),
    hour=st.integers(0, 23),
    weekday=st.none() | st.integers(0, 6),
)
def test_the_last_slot_is_the_last_one(seconds, hour, weekday):
    now = NOW + dt.timedelta(seconds=seconds)
    slot = last_slot(now, hour=hour, weekday=weekday)
    every = DAY if weekday is None else 7 * DAY
    assert slot <= now < slot + every
    assert slot.hour == hour
    assert weekday is None or slot.weekday() == weekday
