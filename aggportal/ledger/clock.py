"""Whether the clock can be believed: a certificate that is misdated stays so.

The worker marks the time each minute. A clock that stands behind the mark was set back; one that is
a day ahead of it was set forward, or the portal was off: the worker tells the two apart by its own
clock of how long it runs, and goes on after a minute that passed as a minute should.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field

from django.conf import settings

from aggportal.ledger.models import ClockMark, Entry
from aggportal.ledger.services import record
from aggportal.web.actors import Actor, system_actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

AHEAD = dt.timedelta(hours=24)
STEADY = dt.timedelta(minutes=1)


class ClockJumped(RefusedError):
    """The present time does not fit what was recorded."""

    code = "clock_jumped"
    status = 503


def require_clock(*, now: dt.datetime) -> None:
    """Refuse to sign at a moment that cannot be right. Raises ClockJumped.

    Two queries at most. Where no worker ever ran only the ledger's newest entry is looked at.
    """
    marked = ClockMark.objects.filter(pk=1).values_list("at", flat=True).first()
    known = marked or Entry.objects.values_list("at", flat=True).first()
    if known is None:
        return
    if now < known - dt.timedelta(seconds=settings.CLOCK_BACK_SECONDS):
        raise ClockJumped(
            _n(
                "The clock says %(now)s, and it has been %(known)s before: it was set back. What "
                "is signed now would be misdated. Set the clock right; if it is right now and was "
                "wrong before, say so with `manage.py confirm_clock`."
            ),
            now=_text(now),
            known=_text(known),
        )
    if marked is not None and now > marked + AHEAD:
        raise ClockJumped(
            _n(
                "The clock says %(now)s, and the worker last saw %(known)s. If the portal was off "
                "meanwhile, start the worker: it goes on by itself after a minute. If the clock is "
                "wrong, set it right; if it is right, say so with `manage.py confirm_clock`."
            ),
            now=_text(now),
            known=_text(marked),
        )


def confirm_clock(*, by: Actor, now: dt.datetime) -> None:
    """Mark the present time as right, whatever was seen before."""
    before = ClockMark.objects.filter(pk=1).values_list("at", flat=True).first()
    ClockMark.objects.update_or_create(pk=1, defaults={"at": now})
    detail = {"now": now.isoformat(), "before": before.isoformat() if before else None}
    record("clock.confirmed", actor=by, subject=("clock", 1, "clock"), detail=detail, at=now)


def running_seconds() -> float:
    """How long the machine has run, times asleep included; nobody sets this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(kw_only=True)
class ClockWatch:
    """Marks the time as the worker's process sees it pass."""

    _began: tuple[dt.datetime, float] | None = field(default=None, init=False)

    def mark(self, *, now: dt.datetime, running: float) -> None:
        """Move the mark to `now` if that can be right; `running` is `running_seconds()`.

        A gap of more than a day is passed, and recorded, once both clocks agree for a minute.
        """
        self._began = self._began or (now, running)
        row, made = ClockMark.objects.get_or_create(pk=1, defaults={"at": now})
        if made or now <= row.at:
            return
        if now - row.at > AHEAD:
            if not self._is_steady(now, running):
                return
            detail = {"from": row.at.isoformat(), "to": now.isoformat()}
            record(
                "clock.gap_passed",
                actor=system_actor("worker"),
                subject=("clock", 1, "clock"),
                detail=detail,
                at=now,
            )
        ClockMark.objects.filter(pk=1, at=row.at).update(at=now)

    def _is_steady(self, now: dt.datetime, running: float) -> bool:
        """Whether as much time passed here as on the clock that nobody sets, and enough of it."""
        assert self._began is not None  # noqa: S101 -- the caller set it
        began, ran = self._began
        passed = dt.timedelta(seconds=running - ran)
        agrees = abs((now - began) - passed) <= dt.timedelta(minutes=2)
        return agrees and passed >= STEADY


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
