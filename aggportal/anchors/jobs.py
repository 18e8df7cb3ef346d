"""What the worker does about checkpoints."""

from __future__ import annotations

import datetime as dt
import logging

from django.utils import timezone

from aggportal.anchors.anchoring import anchor_newest
from aggportal.ledger.checkpointing import make_checkpoint
from aggportal.ledger.models import Checkpoint
from aggportal.ledger.restored import require_restored
from aggportal.notices.services.courier import Courier
from aggportal.web.periodic import periodic
from aggportal.words import RefusedError

log = logging.getLogger("aggportal.anchors")


def sign() -> Checkpoint | None:
    """Sign what is new, or say in the log why not: the ledger is broken, or its key not here."""
    try:
        # What may contradict an anchored checkpoint is not signed.
        require_restored()
        return make_checkpoint(now=timezone.now())
    except RefusedError as refused:
        log.warning("ledger checkpoint: %s", refused)
        return None


_signing = Courier(sign)
_sending = Courier(lambda: anchor_newest(now=timezone.now()))


@periodic("ledger.checkpoint", every=dt.timedelta(seconds=5))
def checkpoint(now: dt.datetime) -> None:
    """Sign the ledger's state when a checkpoint is due; the first one may read many entries."""
    _signing.go()


@periodic("ledger.anchor", every=dt.timedelta(seconds=5))
def anchor(now: dt.datetime) -> None:
    """Tell the places of it, beside the round."""
    _sending.go()
