"""After a backup was put back: nothing is signed until it is known that nothing was lost by it.

The ledger itself holds the state, so that its MACs guard it: an entry RESTORED, and one that
settles it. What was anchored beyond the backup was acknowledged to somebody and is gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from aggportal.ledger.models import Anchor, Entry, Outcome
from aggportal.ledger.offline import Key, Note
from aggportal.ledger.services import record
from aggportal.ledger.verifying import roots_after
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

RESTORED = "portal.restored"
COMPARED = "portal.compared"
ACCEPTED = "portal.loss_accepted"


class NotCompared(RefusedError):
    """A backup was put back and not compared with what was anchored."""

    code = "not_compared"
    status = 503


class NothingProven(RefusedError):
    """The anchored checkpoints do not say whether something was lost."""

    code = "nothing_proven"


class EntriesLost(RefusedError):
    """More was anchored than the backup holds, or something else."""

    code = "entries_lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Restoration:
    """A backup that was put back and is not settled: `size` entries came with it; `at` is when it
    was put back, `taken_at` when it was made (text, ISO 8601).
    """

    size: int
    at: dt.datetime
    taken_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Entries `first` to `last` were anchored and came back with no backup."""

    first: int
    last: int


def pending_restoration() -> Restoration | None:
    """Return what was put back and not settled since; None almost always. One query."""
    rows = Entry.objects.filter(action__in=(RESTORED, COMPARED, ACCEPTED), outcome=Outcome.DONE)
    newest = rows.order_by("-seq").first()
    if newest is None or newest.action != RESTORED:
        return None
    detail = newest.detail
    return Restoration(
        size=int(detail["size"]), at=newest.at, taken_at=str(detail.get("taken_at", ""))
    )


def require_restored() -> None:
    """Refuse to sign between a restore and its comparison. Raises NotCompared."""
    restoration = pending_restoration()
    if restoration is not None:
        raise NotCompared(
            _n(
                "A backup of %(taken_at)s was put back and has not been compared with what was "
                "anchored, so serial numbers and revocations may be missing. Nothing is signed "
                "until `manage.py ledger_verify --against ANCHOR` shows that nothing was lost."
            ),
            taken_at=restoration.taken_at or "?",
        )


def find_loss(
    restoration: Restoration, notes: Sequence[Note], *, verifier: str
) -> tuple[Note, Loss | None]:
    """Compare what came back with anchored checkpoints: the newest of them, and what is missing.

    Raises NothingProven where they say nothing of the backup's end, and EntriesLost where the
    ledger that was anchored is another one.
    """
    key = Key(verifier)
    ours = sorted((note for note in notes if note.is_signed_by(key)), key=lambda note: note.size)
    if not ours:
        raise NothingProven(_n("None of these checkpoints is signed by this ledger's key."))
    newest, known = ours[-1], _anchored_then(restoration)
    if newest.size < known:
        raise NothingProven(
            _n(
                "The newest of these checkpoints has %(size)s entries, and the backup itself knows "
                "that %(known)s were anchored: bring what the place holds now."
            ),
            size=newest.size,
            known=known,
        )
    within = [note for note in ours if note.size <= restoration.size]
    roots = roots_after({note.size for note in within})
    for note in within:
        if roots.get(note.size) != note.root:
            raise EntriesLost(
                _n(
                    "The first %(size)s entries are not those that were anchored: this backup is "
                    "of another ledger, or was changed."
                ),
                size=note.size,
            )
    if newest.size <= restoration.size:
        return newest, None
    return newest, Loss(first=restoration.size + 1, last=newest.size)


def lost(loss: Loss) -> EntriesLost:
    """Say which entries are missing, and what to do."""
    return EntriesLost(
        _n(
            "Entries %(first)s to %(last)s were recorded and anchored after this backup was made, "
            "and are not in it: certificates and revocations may be among them. Restore a newer "
            "backup; or look for what they were (exports of the ledger, syslog, the certificates "
            "themselves), import and revoke again what is missing, and let two administrators "
            "accept the loss with `manage.py restore_accept`."
        ),
        first=loss.first,
        last=loss.last,
    )


def settle(restoration: Restoration, newest: Note, *, by: Actor, now: dt.datetime) -> None:
    """Record that nothing was lost, after which signing goes on."""
    record(
        COMPARED,
        actor=by,
        subject=("ledger", restoration.size, "ledger"),
        detail={"size": restoration.size, "anchored": newest.size},
        at=now,
    )


def accept_loss(
    loss: Loss, newest: Note, *, administrators: Sequence[str], reason: str, now: dt.datetime
) -> None:
    """Record that two administrators go on without some entries, and why."""
    record(
        ACCEPTED,
        actor=Actor(id=None, name=" + ".join(administrators)[:150]),
        subject=("ledger", loss.first, "ledger"),
        detail={
            "first": loss.first,
            "last": loss.last,
            "root": newest.root.hex(),
            "administrators": list(administrators),
            "reason": reason,
        },
        at=now,
    )


def accepted_losses() -> tuple[Loss, ...]:
    """What was accepted as lost; checkpoints of it fit no more, and that is known."""
    rows = Entry.objects.filter(action=ACCEPTED, outcome=Outcome.DONE).order_by("seq")
    details = rows.values_list("detail", flat=True)
    return tuple(Loss(first=int(each["first"]), last=int(each["last"])) for each in details)


def _anchored_then(restoration: Restoration) -> int:
    """How far the places knew the ledger when the backup was made, as the backup itself says."""
    sizes = Anchor.objects.filter(size__lte=restoration.size).values_list("size", flat=True)
    return max(sizes, default=0)
