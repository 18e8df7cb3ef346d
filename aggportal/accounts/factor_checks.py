"""Whether a code or a passkey is right: allauth looks, we count, record, and mind odd answers."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm
from cryptography.exceptions import InvalidSignature
from django.core.cache import cache
from django.forms import Form
from django.http import HttpRequest
from django.utils.translation import gettext as _

from aggportal.accounts import lockout
from aggportal.accounts.adapters import record_lockout
from aggportal.accounts.models import User
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import Actor, client_address

# What the reader of a browser's answer raises over one that no browser sends.
ODD = (
    AttributeError,
    IndexError,
    InvalidSignature,
    KeyError,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
)
# A code is valid in its own half minute and one on either side; it counts once in all of them.
_CODE_SECONDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What was given: `kind` is code (of an app, or a recovery code) or passkey."""

    kind: str
    value: str = field(repr=False)


def given(request: HttpRequest, *, prefix: str = "") -> Given:
    """Return the second factor of a form."""
    passkey = str(request.POST.get(f"{prefix}passkey", ""))
    if passkey:
        return Given(kind="passkey", value=passkey)
    return Given(kind="code", value=str(request.POST.get(f"{prefix}code", "")))


def problem_with(request: HttpRequest, user: User, proof: Given, *, again: bool = False) -> str:
    """Return what is wrong with it, in words, nothing where it holds; `again` is for who is
    signed in. Failures count for the lockout of the person and are in the ledger.
    """
    if not proof.value.strip():
        return _("Enter the code.")
    form: Form
    if proof.kind == "passkey":
        form = AuthenticateWebAuthnForm(data={"credential": proof.value}, user=user)
        form.reauthenticated = again  # type: ignore[attr-defined]  # allauth's, which has no types
    else:
        kind = ReauthenticateForm if again else AuthenticateForm
        form = kind(data={"code": proof.value.replace(" ", "")}, user=user)
    if _holds(form) and (proof.kind == "passkey" or _is_first_use(user, proof.value)):
        form.save()  # type: ignore[attr-defined]  # both of allauth's forms have it
        return ""
    if _has(form, "too_many_login_attempts"):
        return _locked(request, user)
    _record_failure(request, user.username, proof.kind)
    return _("This does not fit. A code counts once and for half a minute: take the newest.")


def passkey_of_anybody(request: HttpRequest, credential: str) -> Authenticator | None:
    """Return the passkey that answered, and so its person; None is in the ledger."""
    form = LoginWebAuthnForm(data={"credential": credential})
    if _holds(form):
        found: Authenticator = form.cleaned_data["credential"]
        return found
    _record_failure(request, "", "passkey")
    return None


def _holds(form: Form) -> bool:
    try:
        return form.is_valid()
    except ODD:
        return False


def _has(form: Form, code: str) -> bool:
    errors = (
        form.__dict__.get("_errors") or {}
    )  # not `errors`, which would look again at what was odd
    return any(form.has_error(name, code) for name in errors)


def _is_first_use(user: User, code: str) -> bool:
    digest = hashlib.sha256("".join(code.split()).encode()).hexdigest()
    return bool(cache.add(f"aggportal.code:{user.pk}:{digest}", 1, timeout=_CODE_SECONDS))


def _locked(request: HttpRequest, user: User) -> str:
    key = f"mfa-auth-user-{user.pk}"
    seconds = lockout.seconds_left(request, key=key)
    record_lockout(request, user.username, key, seconds=seconds)
    return lockout.words_for(seconds)


def _record_failure(request: HttpRequest, name: str, kind: str) -> None:
    actor = Actor(
        id=None,
        name=name,
        address=client_address(request),
        request_id=getattr(request, "request_id", ""),
    )
    record(
        "account.second_factor_failed",
        actor=actor,
        subject=("user", "", name),
        outcome=Outcome.REFUSED,
        detail={"kind": kind},
    )
