"""Appending to the ledger and checking it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from aggportal.ledger.chain import START, canonical_json, digest_of
from aggportal.ledger.models import Entry, Head, Outcome
from aggportal.web.actors import Actor

Subject = tuple[str, object, str]


@transaction.atomic(savepoint=False)
def record(
    action: str,
    *,
    actor: Actor,
    subject: Subject,
    outcome: Outcome = Outcome.DONE,
    detail: Mapping[str, object] | None = None,
    at: dt.datetime | None = None,
) -> Entry:
    """Append one entry in the caller's transaction: either both the deed and its record stand, or
    neither.

    `subject` is (kind, id, label), as in ("certificate", 7, "aggregator"). `detail` holds JSON
    values and never a secret. Call it late in a transaction: the chain's head stays locked until
    the end.
    """
    when = (at or timezone.now()).astimezone(dt.UTC)
    kind, object_id, label = subject
    head, _ = Head.objects.select_for_update().get_or_create(pk=1)
    document = {
        "seq": head.size + 1,
        "at": when.isoformat(timespec="microseconds"),
        "actor_id": actor.id,
        "actor": actor.name,
        "address": actor.address,
        "request_id": actor.request_id,
        "action": action,
        "outcome": outcome.value,
        "object": [kind, str(object_id), label[:300]],
        "detail": dict(detail or {}),
    }
    canonical = canonical_json(document)
    entry = Entry.objects.create(
        seq=head.size + 1,
        at=when,
        actor_id=actor.id,
        actor_name=actor.name,
        address=actor.address,
        request_id=actor.request_id,
        action=action,
        outcome=outcome,
        object_kind=kind,
        object_id=str(object_id),
        object_label=label[:300],
        detail=document["detail"],
        canonical=canonical,
        previous=head.digest,
        digest=digest_of(canonical, previous=head.digest),
    )
    head.size, head.digest = entry.seq, entry.digest
    head.save(update_fields=["size", "digest"])
    return entry


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainState:
    """What checking the chain found: entries counted, entries checked, the first number that does
    not fit or None.
    """

    size: int
    checked: int
    broken_at: int | None


def verify_chain(*, last: int | None = None) -> ChainState:
    """Recompute the digests of all entries (or the `last` ones) from the stored bytes, and compare
    with the head.
    """
    head = Head.objects.filter(pk=1).first() or Head()
    start = max(head.size - last, 0) if last is not None else 0
    before_start = Entry.objects.filter(seq=start).values_list("digest", flat=True).first()
    previous, expected = before_start or START, start + 1
    rows = Entry.objects.filter(seq__gt=start).order_by("seq")
    for seq, canonical, before, digest in rows.values_list(
        "seq", "canonical", "previous", "digest"
    ).iterator(chunk_size=2000):
        fits = seq == expected and before == previous
        if not fits or digest_of(canonical, previous=previous) != digest:
            return ChainState(size=head.size, checked=expected - start - 1, broken_at=expected)
        previous, expected = digest, expected + 1
    whole = expected - 1 == head.size and previous == head.digest
    return ChainState(
        size=head.size, checked=expected - start - 1, broken_at=None if whole else expected
    )
