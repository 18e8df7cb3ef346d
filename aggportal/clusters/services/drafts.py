"""Credentials between two pages: sealed here for minutes instead of travelling in the page."""

from __future__ import annotations

import datetime as dt
import json
import uuid

from aggportal.accounts.models import User
from aggportal.clusters.models import ConnectionDraft
from aggportal.vault.errors import CannotOpen
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

PURPOSE = "cluster-draft"
LIFE = dt.timedelta(minutes=15)
_MOST_PER_PERSON = 10


class DraftGone(RefusedError):
    """The draft has expired, was used, or is somebody else's."""

    code = "draft_gone"

    def __init__(self) -> None:
        super().__init__(
            _n("The credentials were kept for 15 minutes only, and they are gone. Give them again.")
        )


def keep_draft(secret: dict[str, str], *, user: User, session: str, now: dt.datetime) -> uuid.UUID:
    """Seal `secret` for this person and session; the oldest drafts of the person make room."""
    drop_expired_drafts(now=now)
    own = ConnectionDraft.objects.filter(user=user).order_by("-expires_at")
    old = list(own.values_list("pk", flat=True)[_MOST_PER_PERSON - 1 :])
    ConnectionDraft.objects.filter(pk__in=old).delete()
    row = ConnectionDraft(
        user=user,
        purpose=PURPOSE,
        binding=_binding(user, session),
        expires_at=now + LIFE,
    )
    row.seal(json.dumps(secret).encode())
    row.save()
    return row.pk


def open_draft(pk: uuid.UUID, *, user: User, session: str, now: dt.datetime) -> dict[str, str]:
    """Return the secret. Raises DraftGone: too late, another person, or another session."""
    row = ConnectionDraft.objects.filter(pk=pk, user=user, expires_at__gt=now).first()
    if row is None or row.binding != _binding(user, session):
        raise DraftGone
    try:
        secret: dict[str, str] = json.loads(row.open())
    except CannotOpen as exc:
        raise DraftGone from exc
    return secret


def drop_draft(pk: uuid.UUID) -> None:
    """Forget a draft that was used."""
    ConnectionDraft.objects.filter(pk=pk).delete()


def drop_expired_drafts(*, now: dt.datetime) -> None:
    """Forget what nobody came back for."""
    ConnectionDraft.objects.filter(expires_at__lte=now).delete()


def _binding(user: User, session: str) -> str:
    return f"user {user.pk} session {session}"
