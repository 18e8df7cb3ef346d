"""The timeline: what ends is placed in time, and labels do not cover each other."""

from __future__ import annotations

import datetime as dt

from aggportal.dashboard.timeline import LEFT, RIGHT, Expiry, lay_out, tone_of

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def expiry(days: float, label: str = "front-proxy") -> Expiry:
    return Expiry(when=NOW + dt.timedelta(days=days), label=label, url="/x/")


def test_sooner_stands_further_left_and_inside() -> None:
    marks = lay_out([expiry(150), expiry(10), expiry(60)], now=NOW).marks
    places = [mark.x for mark in marks]
    assert places == sorted(places)
    assert all(LEFT <= place <= RIGHT for place in places)


def test_what_ends_after_six_months_is_not_drawn() -> None:
    drawn = lay_out([expiry(200)], now=NOW)
    assert (len(drawn.marks), drawn.left_out) == (0, 0)


def test_what_has_ended_stands_at_the_left_edge() -> None:
    assert lay_out([expiry(-5)], now=NOW).marks[0].x == LEFT


def test_labels_of_one_day_take_different_levels_and_the_rest_is_counted() -> None:
    drawn = lay_out([expiry(30, f"name-{n}") for n in range(7)], now=NOW)
    levels = [mark.label_y for mark in drawn.marks]
    assert len(set(levels)) == len(levels) == 3
    assert drawn.left_out == 4


def test_a_label_at_the_right_end_points_left() -> None:
    assert lay_out([expiry(179)], now=NOW).marks[0].anchor == "end"


def test_month_ticks_are_firsts_in_order() -> None:
    ticks = lay_out([], now=NOW).ticks
    assert [tick.when.month for tick in ticks] == [12, 1, 2, 3, 4, 5]


def test_the_tone_says_how_pressing_it_is() -> None:
    assert [tone_of(NOW + dt.timedelta(days=days), now=NOW) for days in (3, 30, 100)] == [
        "bad",
        "warn",
        "ok",
    ]
