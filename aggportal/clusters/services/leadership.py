"""Leading by the lease in the database: of several workers one follows clusters, the others wait."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.clusters.models import Lease
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

WORKER = "worker"


class NotLeading(RefusedError):
    """Another worker has taken over: what this one still knows must not be written."""

    code = "not_leading"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leadership:
    """The right to write, as its holder knows it; `holder` names one process and no other."""

    holder: str


def lead(holder: str, *, now: dt.datetime) -> Leadership | None:
    """Take or renew the lease; None while another leads."""
    held = Lease.objects.claim(WORKER, holder=holder, now=now)
    return Leadership(holder=holder) if held else None


def give_back(leadership: Leadership) -> None:
    """Let another worker take over at once."""
    Lease.objects.release(WORKER, holder=leadership.holder)


def require_leading(leadership: Leadership) -> None:
    """Inside a transaction: refuse a writer that no longer leads, and hold off a takeover till its end."""
    lease = Lease.objects.select_for_update().filter(name=WORKER).first()
    if lease is None or lease.holder != leadership.holder:
        raise NotLeading(_n("Another worker has taken over."))


def somebody_leads(*, now: dt.datetime) -> bool:
    """Tell whether a worker runs, for pages that say how fresh they are."""
    return Lease.objects.is_held(WORKER, now=now)
