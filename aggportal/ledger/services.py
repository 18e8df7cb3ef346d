"""Appending to the ledger and checking it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Subquery
from django.utils import timezone

from aggportal.ledger.chain import START, canonical_json, digest_of
from aggportal.ledger.models import Entry, Head, Outcome
from aggportal.web.actors import Actor

Subject = tuple[str, object, str]
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
    values and never a secret; what a database does not take in a text (NUL, half a character) is
    replaced, since a stranger's text must not keep a deed out of the ledger. Call it late in a
    transaction: the chain's head stays locked until the end.
    """
    when = (at or timezone.now()).astimezone(dt.UTC)
    kind, object_id, label = subject
    head, _ = Head.objects.select_for_update().get_or_create(pk=1)
    entry = Entry(
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
        object_label=_storable(label)[:300],
        detail={key: _storable(value) for key, value in (detail or {}).items()},
        previous=head.digest,
    )
    entry.canonical = canonical_json(entry.document())
    entry.digest = digest_of(entry.canonical, previous=entry.previous)
    entry.save(force_insert=True)
    head.size, head.digest = entry.seq, entry.digest
    head.save(update_fields=["size", "digest"])
    return entry


def _storable(value: Any) -> Any:
    """Return a JSON value with every text in it such as PostgreSQL keeps."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {key: _storable(each) for key, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list | tuple) else value


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
    them with the columns that pages show, with each other and with the head.

    What is appended meanwhile is left out.
    """
    head = _head()
    start = max(head.size - last, 0) if last is not None else 0
    before_start = Entry.objects.filter(seq=start).values_list("digest", flat=True).first()
    previous, expected = before_start or START, start + 1
    rows = Entry.objects.filter(seq__gt=start, seq__lte=head.size).order_by("seq")
    for entry in rows.iterator(chunk_size=2000):
        if entry.seq != expected or not _fits(entry, previous=previous):
            return ChainState(size=head.size, checked=expected - start - 1, broken_at=expected)
        previous, expected = entry.digest, expected + 1
    whole = expected - 1 == head.size == head.newest and previous == head.digest
    return ChainState(
        size=head.size, checked=expected - start - 1, broken_at=None if whole else expected
    )


def _fits(entry: Entry, *, previous: str) -> bool:
    return (
        entry.previous == previous
        and entry.canonical == canonical_json(entry.document())
        and entry.digest == digest_of(entry.canonical, previous=previous)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """Where the chain ends by its head, and the number of the newest entry that is there."""

    size: int
    digest: str
    newest: int


def _head() -> _End:
    """Read both in one statement, so that an entry written meanwhile counts in both or neither."""
    newest = Subquery(Entry.objects.order_by("-seq").values("seq")[:1])
    found = Head.objects.filter(pk=1).annotate(newest=newest)
    size, digest, seq = found.values_list("size", "digest", "newest").first() or (
        0,
        START,
        Entry.objects.count(),
    )
    return _End(size=size, digest=digest, newest=seq or 0)
