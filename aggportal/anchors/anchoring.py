"""Telling each place of the newest checkpoint."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from aggportal.anchors.sinks import Sink, configured_sinks
from aggportal.ledger.models import Anchor, Checkpoint
from aggportal.web.told import tell
from aggportal.words import RefusedError

log = logging.getLogger("aggportal.anchors")

# A place that fails is asked again after so long.
REST = dt.timedelta(seconds=30)


def anchor_newest(*, now: dt.datetime, sinks: Sequence[Sink] | None = None) -> int:
    """Send the newest checkpoint wherever it is not yet. Returns how many places took it.

    Done again after a crash, a place may get the same checkpoint twice, which says the same.
    """
    places = {sink.name: sink for sink in (configured_sinks() if sinks is None else sinks)}
    Anchor.objects.exclude(name__in=places).delete()
    checkpoint = Checkpoint.objects.first()
    taken = 0
    for name, sink in places.items():
        row, _made = Anchor.objects.get_or_create(name=name)
        rests = row.trouble is not None and row.tried_at is not None and now < row.tried_at + REST
        if checkpoint is not None and row.size < checkpoint.size and not rests:
            taken += _try(row, sink, checkpoint, now=now)
    return taken


def _try(row: Anchor, sink: Sink, checkpoint: Checkpoint, *, now: dt.datetime) -> bool:
    row.tried_at = now
    try:
        sink.take(checkpoint.note, now=now)
    except RefusedError as refused:
        log.warning("ledger anchor %s: %s", row.name, refused)
        row.trouble, row.failing_since = tell(refused.sentence), row.failing_since or now
        row.save()
        return False
    row.size, row.at = checkpoint.size, now
    row.trouble = row.failing_since = None
    row.save()
    return True
