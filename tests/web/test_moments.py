"""Times as people say them: cut off, but not for want of some minutes; server and browser alike."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from aggportal.web.templatetags.portal import SLACK, UNITS, relative

NOW = dt.datetime(2026, 11, 23, 12, 0, 30, tzinfo=dt.UTC)
SCRIPT = Path(__file__).parents[2] / "static" / "js" / "app.js"
DAY = dt.timedelta(days=1)
MINUTES = dt.timedelta(minutes=6)


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (365 * DAY - MINUTES, "in 1 year"),
        (3650 * DAY - MINUTES, "in 10 years"),
        (90 * DAY - MINUTES, "in 3 months"),
        (30 * DAY - MINUTES, "in 1 month"),
        (7 * DAY - MINUTES, "in 1 week"),
        (DAY - MINUTES, "in 1 day"),
        (340 * DAY, "in 11 months"),
        (500 * DAY, "in 1 year"),
        (700 * DAY, "in 1 year"),
        (20 * DAY, "in 2 weeks"),
        (6 * DAY, "in 6 days"),
        (dt.timedelta(hours=22), "in 22 hours"),
        (dt.timedelta(minutes=30), "in 30 minutes"),
        (dt.timedelta(seconds=58), "in 1 minute"),
        (dt.timedelta(seconds=30), "in 30 s"),
        (dt.timedelta(seconds=-30), "30 s ago"),
        (dt.timedelta(seconds=3), "just now"),
        (-MINUTES, "6 minutes ago"),
        (-400 * DAY, "1 year ago"),
    ],
)
def test_a_time_is_said_in_its_largest_unit(away, said):
    assert relative(NOW + away, now=NOW).replace("\xa0", " ") == said


def test_the_browser_counts_on_with_the_same_units():
    text = SCRIPT.read_text()
    units = json.loads(re.search(r"const units = (\[\[.*?\]\]);", text)[1])
    assert [tuple(unit) for unit in units] == [*UNITS, ("second", 1)]
    assert float(re.search(r"const slack = ([0-9.]+);", text)[1]) == SLACK
