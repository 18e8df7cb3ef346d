"""Which warning is due: a pure rule over what ends, how early to warn, and what was said before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

# What ended longer ago is history: an archive of old certificates that is imported warns nobody.
LOOK_BACK = dt.timedelta(days=30)
DAY = dt.timedelta(days=1)

DEFAULT_DAYS = (30, 14, 7, 1, 0)
# An authority takes long to replace: everything that trusts it must learn of the new one.
DEFAULT_AUTHORITY_DAYS = (365, 180, 90, 30, 7, 0)
MAX_DAYS = 3650
MAX_THRESHOLDS = 10

# Stages of what renews itself: it was not, and it has ended.
LATE, ENDED = 1, 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One threshold: `before` the end. `code` names it in the database and falls with `before`."""

    code: int
    before: dt.timedelta


def day_stages(days: Iterable[int], *, life: dt.timedelta) -> tuple[Stage, ...]:
    """Return the thresholds in days that make sense for a life of this length."""
    return tuple(
        Stage(code=each, before=each * DAY)
        for each in sorted(set(days))
        if each == ENDED or life > shortest_life(each)
    )


def shortest_life(days: int) -> dt.timedelta:
    """Return the life that must be exceeded for a threshold of so many days to make sense.

    A certificate that lives a week need not be called "ending within 30 days" when it is born.
    """
    return days * DAY * 3 / 2


def late_stages(*, life: dt.timedelta) -> tuple[Stage, ...]:
    """Return the thresholds of what is made anew by itself when a third of its life is left: with
    a sixth left, that has failed.
    """
    return (Stage(code=ENDED, before=dt.timedelta()), Stage(code=LATE, before=life / 6))


def due_stage(
    ends: dt.datetime, stages: Sequence[Stage], *, noticed: Collection[int], now: dt.datetime
) -> Stage | None:
    """Return the threshold to warn of now, or None.

    The tightest one that is reached counts; it is due unless it, or a tighter one, was noticed
    before. So whatever enters late, or after a pause of the worker, warns once and not once per
    threshold, and nothing is said twice.
    """
    if now - ends > LOOK_BACK:
        return None
    reached = [stage for stage in stages if ends - stage.before <= now]
    if not reached:
        return None
    tightest = min(reached, key=lambda stage: stage.code)
    return None if any(code <= tightest.code for code in noticed) else tightest


def last_slot(now: dt.datetime, *, hour: int, weekday: int | None) -> dt.datetime:
    """Return the latest moment not after `now` at which a digest goes out (UTC).

    `weekday` counts from Monday, 0; None is every day.
    """
    utc = now.astimezone(dt.UTC)
    slot = utc.replace(hour=hour, minute=0, second=0, microsecond=0)
    if slot > utc:
        slot -= DAY
    if weekday is not None:
        slot -= DAY * ((slot.weekday() - weekday) % 7)
    return slot
