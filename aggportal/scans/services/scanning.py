"""Scanning for a person: few at once, not too often, only where the portal may connect, recorded.

The limits: an address is resolved once and every answer checked (`kube.egress`), the port is among
AGGPORTAL_SCAN_PORTS, one scan takes some ten seconds and reads some 250 kB a handshake at most,
a process scans for few people at a time, a person so often a minute. The ledger is what counts.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction

from aggportal.clusters.services.connections import egress_policy
from aggportal.kube.errors import EgressDenied, KubeError
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.services import record
from aggportal.tls.errors import HandshakeFailed
from aggportal.tls.scanning import Question, Scan, checked_addresses, scan
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

ACTION = "endpoint.scanned"
# A scan holds one of the process's few threads, so most of them must stay free for pages.
AT_ONCE = 2
_slots = threading.BoundedSemaphore(AT_ONCE)
_MINUTE = dt.timedelta(minutes=1)
# Every attempt leaves one entry of these, written before anything is connected to.
_ATTEMPTS = (Outcome.INTENDED, Outcome.REFUSED)


class TooManyScans(RefusedError):
    """Too many at once, or too many of one person in a minute."""

    code = "too-many-scans"
    status = 429


def scan_endpoint(question: Question, *, by: Actor, now: dt.datetime) -> Scan:
    """Look at an endpoint for `by`; the ledger knows it before the first connection.

    Raises `TooManyScans`; `EgressDenied`, `Unreachable`, `TimedOut` of `kube.errors` when the host
    leads nowhere; `HandshakeFailed` when nothing there shows a certificate.
    """
    with _slot():
        _require_not_too_often(by, now=now, made=0)
        addresses = _addresses(question, by=by, now=now)
        _record_attempt(Outcome.INTENDED, question, by=by, at=now, detail={"to": list(addresses)})
        try:
            found = scan(question, addresses, now=now)
        except HandshakeFailed as failed:
            _record(Outcome.FAILED, question, by=by, detail={"reason": failed.reason.value})
            raise
        detail = {"to": [found.address], "certificate": found.served.inspection.things[0].title}
        _record(Outcome.DONE, question, by=by, detail=detail)
        return found


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(blocking=False):
        raise TooManyScans(
            _n("%(count)d scans are under way. Try again in a few seconds."),
            field="target",
            count=AT_ONCE,
        )
    try:
        yield
    finally:
        _slots.release()


def _addresses(question: Question, *, by: Actor, now: dt.datetime) -> tuple[str, ...]:
    """Resolve and check; an attempt that leads where it must not, or nowhere, is on record too."""
    try:
        return checked_addresses(question.target, egress_policy())
    except KubeError as refused:
        reason = refused.code if isinstance(refused, EgressDenied) else "not-resolved"
        address = str(refused.sentence.params.get("address", ""))
        detail = {"reason": reason, "to": [address] if address else []}
        _record_attempt(Outcome.REFUSED, question, by=by, at=now, detail=detail)
        raise


@transaction.atomic
def _record_attempt(
    outcome: Outcome,
    question: Question,
    *,
    by: Actor,
    at: dt.datetime,
    detail: Mapping[str, object],
) -> None:
    """Record first, then count: the ledger's head is locked by then, so two cannot both be last."""
    _record(outcome, question, by=by, detail=detail, at=at)
    _require_not_too_often(by, now=at, made=1)


def _record(
    outcome: Outcome,
    question: Question,
    *,
    by: Actor,
    detail: Mapping[str, object],
    at: dt.datetime | None = None,
) -> None:
    target = question.target
    asked = {"host": target.host, "port": target.port, "sni": question.server_name}
    record(
        ACTION,
        actor=by,
        subject=("endpoint", "", str(target)),
        outcome=outcome,
        detail=asked | dict(detail),
        at=at,
    )


def _require_not_too_often(by: Actor, *, now: dt.datetime, made: int) -> None:
    """Refuse one attempt too many; `made` of those in the ledger is the one at hand."""
    limit = settings.SCANS_PER_MINUTE
    attempts = Entry.objects.filter(
        action=ACTION, outcome__in=_ATTEMPTS, actor_name=by.name, at__gt=now - _MINUTE
    )
    if attempts.count() - made >= limit:
        raise TooManyScans(
            _n("You may scan %(limit)d times a minute. Wait a little."), field="target", limit=limit
        )
