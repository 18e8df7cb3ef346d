"""Go durations, as cfssl writes `expiry` and `backdate`: "8760h", "1h30m". Units ns, us, ms, s, m,
h; no days.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from aggportal.pki.errors import InvalidDuration
from aggportal.words import gettext_noop as _n

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_MAX_NANOSECONDS = 2**63 - 1
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_CALENDAR = re.compile(r"(\d{1,6})\s*(d|days?|w|weeks?|y|years?)", re.IGNORECASE | re.ASCII)
_HOURS = {"d": 24, "w": 24 * 7, "y": 24 * 365}
MAX_LENGTH = 64


def parse_duration(text: str, *, field: str = "") -> dt.timedelta:
    """Read a Go duration, to the microsecond. Raises `InvalidDuration`."""
    if len(text) > MAX_LENGTH:
        raise InvalidDuration(
            _n("This is too long for a duration; write for example 8760h."), field=field
        )
    sign, body = (-1 if text.startswith("-") else 1), text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return dt.timedelta()
    parts = _PART.findall(body)
    if not body or "".join(number + unit for number, unit in parts) != body:
        raise _refusal(text, field)
    total = sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in parts)
    if total > _MAX_NANOSECONDS:
        raise InvalidDuration(_n("%(value)s is longer than 292 years."), field=field, value=text)
    return sign * dt.timedelta(microseconds=int(total) // 1000)


def parse_positive_duration(text: str, *, field: str = "") -> dt.timedelta:
    """Read a Go duration of at least one second. Raises `InvalidDuration`."""
    duration = parse_duration(text, field=field)
    if duration < dt.timedelta(seconds=1):
        raise InvalidDuration(_n("%(value)s must be longer than nothing."), field=field, value=text)
    return duration


def format_duration(duration: dt.timedelta) -> str:
    """Write a whole-second duration as short as Go reads it: "8760h", "1h30m", "90s" becomes
    "1m30s".
    """
    seconds = int(duration.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    amounts = ((seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    return sign + ("".join(f"{amount}{unit}" for amount, unit in amounts if amount) or "0s")


def _refusal(text: str, field: str) -> InvalidDuration:
    calendar = _CALENDAR.fullmatch(text.strip())
    if calendar:
        hours = int(calendar[1]) * _HOURS[calendar[2][0].lower()]
        words = _n(
            "Go durations know no days, weeks or years: write %(suggestion)s instead of %(value)s."
        )
        return InvalidDuration(words, field=field, value=text, suggestion=f"{hours}h")
    if text.strip().isascii() and text.strip().isdigit():
        words = _n("%(value)s has no unit: write for example %(suggestion)s.")
        return InvalidDuration(words, field=field, value=text, suggestion=f"{text.strip()}h")
    words = _n("%(value)s is not a duration: write hours, for example 8760h for a year.")
    return InvalidDuration(words, field=field, value=text or '""')
