"""Checkpoints: what the ledger was after so many entries, signed (C2SP tlog-checkpoint)."""

from __future__ import annotations

import base64
import datetime as dt

from django.db import IntegrityError, transaction

from aggportal.ledger.keys import LedgerKey, ledger_key
from aggportal.ledger.models import Checkpoint, Entry
from aggportal.ledger.offline import START, Tree
from aggportal.ledger.verifying import fits
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

# One is due when so many entries, or entries and so much time, have passed.
ENTRIES = 100
PATIENCE = dt.timedelta(seconds=60)


class Broken(RefusedError):
    """The ledger was changed; nothing of it is signed any more."""

    code = "ledger_broken"


def make_checkpoint(*, now: dt.datetime, at_once: bool = False) -> Checkpoint | None:
    """Sign the ledger's state if a checkpoint is due (or `at_once`, if anything is new).

    Only entries since the last one are read. None where nothing is due or another process was
    first. Raises Broken where an entry since then does not fit, NoKey.
    """
    last = Checkpoint.objects.first()
    size = last.size if last else 0
    newest = Entry.objects.values_list("seq", flat=True).first() or 0
    waited = last is None or now - last.at >= PATIENCE
    if newest <= size or not (at_once or waited or newest - size >= ENTRIES):
        return None
    tree = Tree(size, last.subtrees if last else ())
    _grow(tree, until=newest)
    key = ledger_key()
    made = Checkpoint(
        size=tree.size,
        root=tree.root().hex(),
        subtrees=tree.subtrees,
        note=_note(tree, key, now=now),
        at=now,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        return None
    return made


def _grow(tree: Tree, *, until: int) -> None:
    """Append the entries up to `until`, each after a look whether it fits the one before."""
    before = Entry.objects.filter(seq=tree.size).values_list("digest", flat=True).first()
    previous = before or START
    rows = Entry.objects.filter(seq__gt=tree.size, seq__lte=until).order_by("seq")
    for entry in rows.iterator(chunk_size=2000):
        if entry.seq != tree.size + 1 or not fits(entry, previous=previous):
            break
        tree.append(entry.canonical.encode("ascii"))
        previous = entry.digest
    if tree.size != until:
        raise Broken(
            _n("The ledger is broken at entry %(seq)s; no checkpoint is signed beyond it."),
            seq=tree.size + 1,
        )


def _note(tree: Tree, key: LedgerKey, *, now: dt.datetime) -> str:
    root = base64.b64encode(tree.root()).decode()
    when = now.astimezone(dt.UTC).isoformat(timespec="seconds")
    return key.sign(f"{key.origin}\n{tree.size}\n{root}\n{when}\n")
