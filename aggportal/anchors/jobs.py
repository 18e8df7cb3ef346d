"""What the worker does about checkpoints."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from aggportal.anchors.anchoring import anchor_newest
from aggportal.ledger.checkpointing import make_checkpoint
from aggportal.notices.services.courier import Courier
from aggportal.web.periodic import periodic

_sending = Courier(lambda: anchor_newest(now=timezone.now()))


@periodic("ledger.checkpoint", every=dt.timedelta(seconds=5))
def checkpoint(now: dt.datetime) -> None:
    """Sign the ledger's state when a checkpoint is due."""
    make_checkpoint(now=now)


@periodic("ledger.anchor", every=dt.timedelta(seconds=5))
def anchor(now: dt.datetime) -> None:
    """Tell the places of it, beside the round."""
    _sending.go()
