"""What the ledger asks for before anything is signed: one function for the one door."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from aggportal.ledger.anchored import ENOUGH
from aggportal.ledger.clock import require_clock
from aggportal.ledger.models import Anchor, Entry
from aggportal.ledger.restored import require_restored
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n


class NotAnchoredLately(RefusedError):
    """Too few places outside the database know of what was recorded."""

    code = "not_anchored_lately"
    status = 503


def require_ready_to_sign(*, now: dt.datetime) -> None:
    """Refuse to sign where it could be lost unnoticed, forgotten already, or misdated.

    Raises NotCompared, NotAnchoredLately, ClockJumped; all answered as 503. Three small queries.
    """
    require_restored()
    require_anchored(now=now)
    require_clock(now=now)


def hindrance(*, now: dt.datetime) -> Sentence | None:
    """Say for pages why nothing is signed just now; None where everything is."""
    try:
        require_ready_to_sign(now=now)
    except RefusedError as refused:
        return refused.sentence
    return None


def require_anchored(*, now: dt.datetime) -> None:
    """Refuse while entries older than AGGPORTAL_LEDGER_ANCHOR_HOURS are known to fewer places than
    the settings want (two, or the one that is named). Without anchors there is nothing to ask.
    """
    wanted = min(ENOUGH, len(settings.LEDGER_ANCHORS))
    if not wanted:
        return
    sizes = sorted(Anchor.objects.values_list("size", flat=True), reverse=True)
    known = sizes[wanted - 1] if len(sizes) >= wanted else 0
    waiting = Entry.objects.filter(seq=known + 1).values_list("at", flat=True).first()
    hours = settings.LEDGER_ANCHOR_HOURS
    if waiting is not None and now - waiting > dt.timedelta(hours=hours):
        raise NotAnchoredLately(
            _n(
                "For more than %(hours)s hours fewer than %(wanted)s places outside the database "
                "have heard of the ledger: what is signed now could be lost unnoticed. See on the "
                "audit page why, and whether the worker runs; signing goes on by itself when they "
                "have heard."
            ),
            hours=hours,
            wanted=wanted,
        )
