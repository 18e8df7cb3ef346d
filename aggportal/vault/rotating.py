"""Rotating the key-encryption key: every data key is wrapped anew, row by row, while the portal
works. The secrets themselves stay shut.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from django.apps import apps
from django.db import transaction
from django.db.models import Count

from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.vault import handing
from aggportal.vault.configured import provider
from aggportal.vault.errors import CannotOpen, VaultError
from aggportal.vault.models import SealedRecord
from aggportal.vault.ring import KeyRing
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop

# So many rows a transaction: whoever issues meanwhile waits for no more than these.
BATCH = 50
# How often all tables are gone through for what was written under the old key meanwhile.
_PASSES = 20
Say = Callable[[str], None]


class OldKeyInUse(VaultError):
    """Something is under the old key still, so that it stays."""

    code = "old_key_in_use"


@dataclass(slots=True)
class Progress:
    """What a run has done: rows wrapped anew, and those that do not open."""

    rewrapped: int = 0
    shut: list[str] = field(default_factory=list)


def sealed_models() -> tuple[type[SealedRecord], ...]:
    """Return every table of sealed secrets, whichever app it belongs to."""
    return tuple(model for model in apps.get_models() if issubclass(model, SealedRecord))


def counts() -> dict[str, dict[str, int]]:
    """Count the rows of each table by the name of the key that they are under."""
    found: dict[str, dict[str, int]] = {}
    for model in sealed_models():
        rows = model._default_manager.order_by().values_list("kek_id")
        found[model._meta.label] = dict(rows.annotate(count=Count("pk")))
    return found


def under_other_keys(ring: KeyRing) -> int:
    """Count the rows that are not under the key that wraps."""
    return sum(
        model._default_manager.exclude(kek_id=ring.kek_id).count() for model in sealed_models()
    )


def is_under_unknown_key(ring: KeyRing) -> bool:
    """Tell whether a secret is under a key that is not here: the key of another installation, or
    an old one. Asks the index for what lies between the known names, not the whole table.
    """
    return any(_has_unknown(model, sorted(ring.kek_ids)) for model in sealed_models())


def _has_unknown(model: type[SealedRecord], known: list[str]) -> bool:
    rows = model._default_manager.order_by()
    gaps = [{"kek_id__lt": known[0]}, {"kek_id__gt": known[-1]}]
    gaps += [{"kek_id__gt": low, "kek_id__lt": high} for low, high in pairwise(known)]
    return any(rows.filter(**gap).exists() for gap in gaps)


def rotate(*, by: Actor, grace: float, passphrase: str = "", say: Say) -> Progress:
    """Exchange the key from whatever point an earlier run has reached, and drop the old one when
    nothing is under it.

    Raises NoKey, SealedPortal and OldKeyInUse with words; the next run goes on from there.
    """
    done = Progress()
    before = provider()
    if not handing.is_rotating() and not handing.has_previous():
        _begin(before, passphrase, by=by)
    if handing.is_rotating():
        handing.require_next_key()
        ring = provider()
        say(f"wrapping under {ring.kek_id}")
        _rewrap_until_none(ring, done, say=say)
        handing.put_next_in_place()
    ring = provider()
    # Whoever had begun to seal before the new key was there has come to an end by then.
    time.sleep(max(grace - handing.seconds_since_made(), 0.0))
    _rewrap_until_none(ring, done, say=say)
    handing.drop_previous()
    _record(ring, Outcome.DONE, {"rewrapped": done.rewrapped}, by=by)
    return done


def _begin(ring: KeyRing, passphrase: str, *, by: Actor) -> None:
    _record(ring, Outcome.INTENDED, {"rows": under_other_keys(ring)}, by=by)
    handing.make_next_key(passphrase)


def _rewrap_until_none(ring: KeyRing, done: Progress, *, say: Say) -> None:
    for _pass in range(_PASSES):
        done.shut.clear()
        for model in sealed_models():
            done.rewrapped += _rewrap_table(model, ring, done)
        left = under_other_keys(ring)
        say(f"{done.rewrapped} wrapped anew, {left} under other keys")
        if not left:
            return
        if left <= len(done.shut):
            break
    raise OldKeyInUse(
        gettext_noop(
            "%(left)d secrets are under another key than %(kek)s still, so the old key stays. "
            "Those that do not open: %(shut)s. Restore them or delete what they belong to, and "
            "say `manage.py rotate_kek` again."
        ),
        left=under_other_keys(ring),
        kek=ring.kek_id,
        shut=", ".join(done.shut[:5]) or "–",
    )


def _rewrap_table(model: type[SealedRecord], ring: KeyRing, done: Progress) -> int:
    changed = 0
    for batch in _batches(model, ring):
        with transaction.atomic():
            changed += sum(_rewrap(row, ring, done) for row in batch)
    return changed


def _batches(model: type[SealedRecord], ring: KeyRing) -> Iterator[list[SealedRecord]]:
    rows = model._default_manager.exclude(kek_id=ring.kek_id).order_by("pk")
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH])


def _rewrap(row: SealedRecord, ring: KeyRing, done: Progress) -> int:
    """Wrap one row anew unless somebody sealed it anew meanwhile; tell how many rows changed."""
    try:
        kek_id, wrapped = row.rewrapped(ring)
    except CannotOpen:
        done.shut.append(str(row))
        return 0
    same = type(row)._default_manager.filter(pk=row.pk, wrapped_key=bytes(row.wrapped_key))
    return same.update(kek_id=kek_id, wrapped_key=wrapped)


def _record(ring: KeyRing, outcome: Outcome, detail: dict[str, object], *, by: Actor) -> None:
    record(
        "keys.rotated",
        actor=by,
        subject=("key", ring.kek_id, "key-encryption key"),
        outcome=outcome,
        detail=detail,
    )
