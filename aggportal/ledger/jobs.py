"""What the worker does about the clock."""

from __future__ import annotations

import datetime as dt

from aggportal.ledger.clock import ClockWatch, running_seconds
from aggportal.web.periodic import periodic

_watch = ClockWatch()


@periodic("ledger.mark_clock", every=dt.timedelta(seconds=30))
def mark_clock(now: dt.datetime) -> None:
    """Mark the present time, by which a clock that jumps is noticed."""
    _watch.mark(now=now, running=running_seconds())
