"""Go durations, both ways."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggportal.pki.durations import format_duration, parse_duration
from aggportal.pki.errors import InvalidDuration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8760h", 31536000),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("-1h", -3600),
        ("+2m", 120),
        ("0", 0),
        (".5s", 0.5),
        ("1h1m1s1ms", 3661.001),
        ("5us", 0.000005),
        ("3µs", 0.000003),
        ("1500ns", 0.000001),
    ],
)
def test_durations_are_read_as_go_reads_them(text, seconds):
    assert parse_duration(text).total_seconds() == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["", "h", "1", "1d", "1h ", " 1h", "1H", "1h-1m", "1..5h", "--1h", "٣h", "1e3h"]
)
def test_other_texts_are_refused(text):
    with pytest.raises(InvalidDuration):
        parse_duration(text)


@given(st.integers(min_value=-(10**9), max_value=9 * 10**9))
def test_what_is_written_is_read_back(seconds):
    duration = dt.timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration
