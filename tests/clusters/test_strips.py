"""The strip of availability: true to time, and small however much happened."""

from __future__ import annotations

import datetime as dt

from aggportal.clusters.models import Transition
from aggportal.clusters.strips import WIDTH, strip

END = dt.datetime(2026, 5, 2, tzinfo=dt.UTC)
START = END - dt.timedelta(hours=24)


def turn(hours, came_from, went_to):
    return Transition(at=START + dt.timedelta(hours=hours), came_from=came_from, went_to=went_to)


def test_each_state_has_its_share_of_the_width():
    found = strip([turn(6, "True", "False"), turn(12, "False", "True")], status="True",
                  start=START, end=END)  # fmt: skip
    assert [(part.x, part.width, part.status) for part in found] == [
        (0, 250, "True"),
        (250, 250, "False"),
        (500, 500, "True"),
    ]


def test_a_moment_of_trouble_is_seen_however_short():
    short = [turn(6, "True", "False"), turn(6.001, "False", "True")]
    found = strip(short, status="True", start=START, end=END)
    assert "False" in {part.status for part in found}


def test_one_that_never_rests_makes_no_larger_page():
    states = ("True", "False")
    turns = [turn(n / 500, states[n % 2], states[(n + 1) % 2]) for n in range(1, 12_000)]
    found = strip(turns, status="True", start=START, end=END)
    assert len(found) <= WIDTH / 4 + 1
    assert {part.status for part in found[1:-1]} == {"False"}
