"""How much of its life a certificate has lived, for the bar that shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

_SOON = dt.timedelta(days=30)
_SOON_SHARE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """`lived` is a percentage from 0 to 100; `state` is early, ok, soon or over."""

    not_before: dt.datetime
    not_after: dt.datetime
    lived: int
    state: str


def life_of(not_before: dt.datetime, not_after: dt.datetime, *, now: dt.datetime) -> Life:
    """Return where `now` stands in a life. "soon" is the last tenth, at most thirty days before the
    end.
    """
    whole = max(not_after - not_before, dt.timedelta(seconds=1))
    lived = min(max(round(100 * ((now - not_before) / whole)), 0), 100)
    left = not_after - now
    state = "ok"
    if now > not_after:
        state = "over"
    elif now < not_before:
        state = "early"
    elif left <= min(_SOON, whole * _SOON_SHARE):
        state = "soon"
    return Life(not_before=not_before, not_after=not_after, lived=lived, state=state)
