"""How far the ledger is known outside the database."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.ledger.keys import ledger_key
from aggportal.ledger.models import Anchor, Checkpoint, Entry
from aggportal.vault.errors import NoKey

# Entries that nobody outside knows of for so long are told of.
LATE = dt.timedelta(minutes=15)
ENOUGH = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What the audit page tells: the newest checkpoint, the places, the key that checks them;
    `is_late` where some place has not heard of entries for too long.
    """

    checkpoint: Checkpoint | None
    anchors: tuple[Anchor, ...]
    verifier: str
    is_late: bool

    @property
    def are_enough(self) -> bool:
        return len(self.anchors) >= ENOUGH


def stand_of_anchors(*, now: dt.datetime) -> Standing:
    """Read the newest checkpoint and the places; three queries."""
    checkpoint = Checkpoint.objects.first()
    anchors = tuple(Anchor.objects.all())
    behind = min((anchor.size for anchor in anchors), default=0)
    waiting = Entry.objects.filter(seq=behind + 1).values_list("at", flat=True).first()
    return Standing(
        checkpoint=checkpoint,
        anchors=anchors,
        verifier=_verifier(),
        is_late=bool(anchors) and waiting is not None and now - waiting > LATE,
    )


def _verifier() -> str:
    try:
        return ledger_key().verifier
    except NoKey:
        return ""
