"""Leading by a lease in the database: of several workers one follows clusters, others wait."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from aggportal.clusters.models import Lease
from aggportal.clusters.models.leases import AHEAD, LEASE_SECONDS
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

WORKER = "worker"


class NotLeading(RefusedError):
    """Another worker has taken over: what this one still knows must not be written."""

    code = "not_leading"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leadership:
    """A lease as its holder knows it. `term` tells this reign from earlier and later ones."""

    holder: str
    term: int


def lead(holder: str, *, now: dt.datetime) -> Leadership | None:
    """Renew the lease of `holder`, or take one that nobody renews; None while another leads."""
    lease = Lease.objects.filter(name=WORKER)
    if not lease.filter(holder=holder).update(renewed_at=now):
        stale = Q(renewed_at__lt=now - dt.timedelta(seconds=LEASE_SECONDS))
        free = Q(holder="") | stale | Q(renewed_at__gt=now + AHEAD)
        lease.filter(free).update(holder=holder, term=F("term") + 1, renewed_at=now)
    found = lease.first() or _first_lease(holder, now=now)
    if found is None or found.holder != holder:
        return None
    return Leadership(holder=holder, term=found.term)


def _first_lease(holder: str, *, now: dt.datetime) -> Lease | None:
    try:
        with transaction.atomic():
            return Lease.objects.create(name=WORKER, holder=holder, renewed_at=now)
    except IntegrityError:  # another worker was first
        return None


def give_back(leadership: Leadership) -> None:
    """Let another worker take over at once."""
    held = Lease.objects.filter(name=WORKER, holder=leadership.holder, term=leadership.term)
    held.update(holder="")


def require_leading(leadership: Leadership) -> None:
    """In a transaction: refuse a writer whose reign is over, hold off a takeover till its end."""
    lease = Lease.objects.select_for_update().filter(name=WORKER).first()
    if lease is None or (lease.holder, lease.term) != (leadership.holder, leadership.term):
        raise NotLeading(_n("Another worker has taken over."))


def present_lease() -> Lease | None:
    """Return the lease as it stands, for pages that say how fresh they are."""
    return Lease.objects.filter(name=WORKER).first()
