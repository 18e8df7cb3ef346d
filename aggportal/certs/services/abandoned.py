"""Requests that were about to be signed when a process ended: they are ended with words."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models.functions import Coalesce

from aggportal.certs.models import SigningRequest, State
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import system_actor
from aggportal.words import gettext_noop as _n

# Far longer than making a key and a signature takes; what is slower is not released either
# (`intents.CutOff`). With the worker's ten seconds it is settled within a minute.
AFTER = dt.timedelta(seconds=45)
_FEW = 50
_REASON = _n(
    "Signing was cut off: the portal was stopped meanwhile. Nothing was stored; the serial is not "
    "used again. Ask anew."
)


def end_abandoned_requests(*, now: dt.datetime) -> int:
    """End what has been in state `signing` for too long; return how many there were."""
    begun = Coalesce("decided_at", "requested_at")
    rows = SigningRequest.objects.filter(state=State.SIGNING).annotate(begun=begun)
    found = rows.filter(begun__lt=now - AFTER).select_related("authority").order_by("pk")
    return sum(_end(request, now=now) for request in found[:_FEW])


@transaction.atomic
def _end(request: SigningRequest, *, now: dt.datetime) -> bool:
    by = system_actor("worker")
    mine = SigningRequest.objects.filter(pk=request.pk, state=State.SIGNING)
    if not mine.update(state=State.FAILED, reason=_REASON, decided_at=now, decided_by=by.name):
        return False
    record(
        "request.abandoned",
        actor=by,
        subject=("request", request.pk, request.subject),
        outcome=Outcome.FAILED,
        detail={"authority": request.authority.slug, "serial": request.serial, "why": _REASON},
        at=now,
    )
    return True
