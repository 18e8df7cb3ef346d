"""Appending to the ledger."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from aggportal.ledger.chain import canonical_json
from aggportal.ledger.keys import LedgerKey, ledger_key
from aggportal.ledger.models import Entry, Head, Outcome
from aggportal.ledger.offline import digest_of
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
    transaction: the chain's head stays locked until the end. Raises NoKey where the ledger's key is
    not at hand: what cannot be recorded is not done.
    """
    key = ledger_key()
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
    entry.mac = key.mac_of(entry.digest)
    entry.save(force_insert=True)
    _advance(head, entry, key)
    return entry


def _advance(head: Head, entry: Entry, key: LedgerKey) -> None:
    """Move the head to `entry`; the first one with a MAC is marked as that."""
    head.size, head.digest = entry.seq, entry.digest
    if head.keyed_from is None:
        head.keyed_from, head.keyed_mark = entry.seq, key.mark_of(entry.seq)
    head.save(update_fields=["size", "digest", "keyed_from", "keyed_mark"])


def _storable(value: Any) -> Any:
    """Return a JSON value with every text in it such as PostgreSQL keeps."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {key: _storable(each) for key, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list | tuple) else value
