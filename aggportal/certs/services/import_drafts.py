"""What was brought, between two pages: sealed here for minutes instead of travelling in the page;
and afterwards what became of it.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.serialization import load_der_private_key

from aggportal.accounts.models import User
from aggportal.certs.models import ImportDraft
from aggportal.pki.gathering import (
    FoundCertificate,
    FoundKey,
    FoundText,
    Gathered,
    LeftOut,
)
from aggportal.pki.keys import PrivateKey, private_key_der
from aggportal.pki.reading import read_certificate
from aggportal.vault.errors import CannotOpen
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

PURPOSE = "import-draft"
LIFE = dt.timedelta(minutes=15)
RESULT_LIFE = dt.timedelta(days=1)
_MOST_PER_PERSON = 20


class DraftGone(RefusedError):
    """The draft has expired, or is somebody else's."""

    code = "draft_gone"

    def __init__(self) -> None:
        super().__init__(
            _n("What you brought was kept for 15 minutes only, and it is gone. Give it again.")
        )


class DraftDone(RefusedError):
    """The draft was imported before."""

    code = "draft_done"

    def __init__(self) -> None:
        super().__init__(_n("This was imported before. Nothing was done a second time."))


def keep_draft(found: Gathered, *, user: User, session: str, now: dt.datetime) -> ImportDraft:
    """Seal what was found for this person and session; their oldest make room."""
    drop_expired_drafts(now=now)
    own = ImportDraft.objects.filter(user=user).order_by("-expires_at")
    old = list(own.values_list("pk", flat=True)[_MOST_PER_PERSON - 1 :])
    ImportDraft.objects.filter(pk__in=old).delete()
    row = _row(user, session, now=now)
    row.seal(_dumped(found))
    row.save(force_insert=True)
    return row


def open_draft(pk: uuid.UUID, *, user: User, session: str, now: dt.datetime) -> Gathered:
    """Return what was found. Raises DraftGone (too late, another person or session), DraftDone."""
    row = ImportDraft.objects.filter(pk=pk, user=user, expires_at__gt=now).first()
    if row is None or row.binding != _binding(user, session):
        raise DraftGone
    if row.done_at is not None:
        raise DraftDone
    try:
        return _loaded(row.open())
    except CannotOpen as exc:
        raise DraftGone from exc


def end_draft(pk: uuid.UUID, result: dict[str, object], *, now: dt.datetime) -> None:
    """Forget what was sealed and keep the result; call it in the transaction of the import.

    Raises DraftDone: exactly one import of a draft goes through.
    """
    claimed = ImportDraft.objects.filter(pk=pk, done_at=None).update(done_at=now)
    if not claimed:
        raise DraftDone
    row = ImportDraft.objects.get(pk=pk)
    row.seal(b"")
    row.result, row.expires_at = result, now + RESULT_LIFE
    row.save()


def keep_result(
    result: dict[str, object], *, user: User, session: str, now: dt.datetime
) -> ImportDraft:
    """Keep what came of an import that had no draft, for its page."""
    drop_expired_drafts(now=now)
    row = _row(user, session, now=now)
    row.seal(b"")
    row.result, row.done_at, row.expires_at = result, now, now + RESULT_LIFE
    row.save(force_insert=True)
    return row


def drop_expired_drafts(*, now: dt.datetime) -> None:
    """Forget what nobody came back for."""
    ImportDraft.objects.filter(expires_at__lte=now).delete()


def _row(user: User, session: str, *, now: dt.datetime) -> ImportDraft:
    return ImportDraft(
        user=user, purpose=PURPOSE, binding=_binding(user, session), expires_at=now + LIFE
    )


def _binding(user: User, session: str) -> str:
    return f"user {user.pk} session {session}"


def _dumped(found: Gathered) -> bytes:
    document = {
        "certificates": [[_text(c.facts.der), list(c.sources)] for c in found.certificates],
        "keys": [[_text(private_key_der(k.key)), k.spki, k.source] for k in found.keys],
        "documents": [[d.text, d.source] for d in found.documents],
        "left_out": [[item.source, *dump_sentence(item.sentence)] for item in found.left_out],
    }
    return json.dumps(document).encode()


def dump_sentence(sentence: Sentence) -> tuple[str, dict[str, object]]:
    """Return a sentence as JSON keeps it: its text, and plain values."""
    params: dict[str, object] = {
        name: value if isinstance(value, str | int | float) else str(value)
        for name, value in sentence.params.items()
    }
    return sentence.text, params


def _loaded(data: bytes) -> Gathered:
    document = json.loads(data)
    return Gathered(
        certificates=tuple(
            FoundCertificate(facts=read_certificate(b64decode(der)), sources=tuple(sources))
            for der, sources in document["certificates"]
        ),
        keys=tuple(
            FoundKey(key=_key(b64decode(der)), spki=spki, source=source)
            for der, spki, source in document["keys"]
        ),
        documents=tuple(FoundText(text=text, source=src) for text, src in document["documents"]),
        left_out=tuple(
            LeftOut(source=source, sentence=Sentence(text=text, params=params))
            for source, text, params in document["left_out"]
        ),
    )


def _key(der: bytes) -> PrivateKey:
    """Load a key that was found sound before it was sealed."""
    return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)  # type: ignore[return-value]  # only allowed kinds were sealed


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
