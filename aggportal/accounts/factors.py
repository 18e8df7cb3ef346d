"""Second factors: added, removed, taken away when lost. Each with its record, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db import transaction

from aggportal.accounts.models import User
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop

_CODES = Authenticator.Type.RECOVERY_CODES


class HasOneAlready(RefusedError):
    """An authenticator app is set up already."""

    code = "has_one_already"


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """A second factor as the account page shows it; `kind` is totp or webauthn."""

    pk: int
    kind: str
    name: str
    added: datetime
    used: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Factors:
    """All that a person has; `codes_left` None: no recovery codes."""

    factors: tuple[Factor, ...]
    codes_left: int | None

    @property
    def has_app(self) -> bool:
        return any(factor.kind == Authenticator.Type.TOTP for factor in self.factors)


def factors_of(user: User) -> Factors:
    """Return what `user` has set up."""
    rows = list(Authenticator.objects.filter(user=user).order_by("created_at", "pk"))
    codes = next((row for row in rows if row.type == _CODES), None)
    return Factors(
        factors=tuple(_factor(row) for row in rows if row.type != _CODES),
        codes_left=len(codes.wrap().get_unused_codes()) if codes else None,
    )


def has_factor(user: User) -> bool:
    """Tell whether `user` has a second factor; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user=user).exclude(type=_CODES).exists())


@transaction.atomic
def add_app(user: User, secret: str, *, by: Actor) -> tuple[str, ...]:
    """Set up an authenticator app; return new recovery codes where there were none.

    HasOneAlready: also where two pages are sent at once, since the person's row is locked.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        raise HasOneAlready(
            gettext_noop("An authenticator app is set up already. Remove it to set up another.")
        )
    TOTP.activate(user, secret)
    _record("account.second_factor_added", user, by=by, kind="totp")
    return _first_codes(user, by=by)


@transaction.atomic
def add_passkey(user: User, name: str, credential: dict[str, Any], *, by: Actor) -> tuple[str, ...]:
    """Set up a passkey; return new recovery codes where there were none."""
    User.objects.select_for_update().get(pk=user.pk)
    WebAuthn.add(user, name, credential)
    _record("account.second_factor_added", user, by=by, kind="webauthn", name=name)
    return _first_codes(user, by=by)


@transaction.atomic
def remove_factor(user: User, factor: Authenticator, *, by: Actor) -> None:
    """Remove one; with the last, recovery codes end too."""
    kind, name = factor.type, str(factor)
    factor.delete()
    if not has_factor(user):
        Authenticator.objects.filter(user=user).delete()
    _record("account.second_factor_removed", user, by=by, kind=kind, name=name)


@transaction.atomic
def make_codes(user: User, *, by: Actor) -> tuple[str, ...]:
    """Make recovery codes anew; the old ones end."""
    User.objects.select_for_update().get(pk=user.pk)
    Authenticator.objects.filter(user=user, type=_CODES).delete()
    codes = tuple(RecoveryCodes.activate(user).get_unused_codes())
    _record("account.recovery_codes_made", user, by=by)
    return codes


@transaction.atomic
def take_away(user: User, *, by: Actor) -> int:
    """Take every second factor from a person who lost them; return how many. Sessions end by
    whoever asks for it.
    """
    gone = Authenticator.objects.filter(user=user)
    kinds = sorted({row.type for row in gone})
    count = len(gone)
    gone.delete()
    _record("person.second_factor_taken", user, by=by, kinds=", ".join(kinds))
    return count


def _first_codes(user: User, *, by: Actor) -> tuple[str, ...]:
    if Authenticator.objects.filter(user=user, type=_CODES).exists():
        return ()
    return make_codes(user, by=by)


def _factor(row: Authenticator) -> Factor:
    return Factor(
        pk=row.pk, kind=row.type, name=str(row), added=row.created_at, used=row.last_used_at
    )


def _record(action: str, user: User, *, by: Actor, **detail: str) -> None:
    record(action, actor=by, subject=("user", user.pk, user.username), detail=detail)
