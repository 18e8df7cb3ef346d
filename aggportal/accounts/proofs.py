"""How a person who is signed in proves once more who they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from allauth.account.adapter import get_adapter
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from aggportal.accounts.carrying import PROOF
from aggportal.accounts.models import User

# What JavaScript fills in comes first: the fields for typing are empty then.
_KINDS = ("passkey", "code", "password")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What was given: `kind` is password, code (TOTP or a recovery code) or passkey."""

    kind: str
    value: str = field(repr=False)

    @property
    def name(self) -> str:
        return f"{PROOF}{self.kind}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """What the page offers: who has a password is asked for that, others for what they have."""

    password: bool
    code: bool
    passkey: bool
    provider: bool
    passkey_options: str = ""


def given(request: HttpRequest) -> Proof | None:
    """Return the proof that came along with a form."""
    for kind in _KINDS:
        if f"{PROOF}{kind}" in request.POST:
            return Proof(kind=kind, value=str(request.POST[f"{PROOF}{kind}"]))
    return None


def ways_of(request: HttpRequest) -> Ways:
    """Return how the signed-in person can prove who they are."""
    user = _person(request)
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    passkey = Authenticator.Type.WEBAUTHN in kinds
    return Ways(
        password=user.has_usable_password(),
        code=Authenticator.Type.TOTP in kinds and not user.has_usable_password(),
        passkey=passkey,
        provider=user.socialaccount_set.exists(),  # type: ignore[attr-defined]  # allauth's relation
        passkey_options=passkey_options(user) if passkey else "",
    )


def passkey_options(user: User | None) -> str:
    """Begin to ask for a passkey (of anybody where `user` is None); JSON for the browser."""
    return json.dumps(webauthn.begin_authentication(user), default=dict)


def problem_with(request: HttpRequest, proof: Proof) -> str:
    """Return what is wrong with a proof, in words; nothing where it holds.

    Failures count for the lockout of the name and the address, and are in the ledger.
    """
    user = _person(request)
    try:
        if proof.kind == "password":
            return _problem_with_password(user, proof.value)
        return _problem_with_factor(user, proof)
    except ValidationError as refused:
        return " ".join(refused.messages)


def _problem_with_password(user: User, password: str) -> str:
    if not password:
        return _("Enter your password.")
    if get_adapter().reauthenticate(user, password):
        return ""
    return _("This is not your password. Nothing was done yet; try again.")


def _problem_with_factor(user: User, proof: Proof) -> str:
    form: ReauthenticateForm | ReauthenticateWebAuthnForm
    if proof.kind == "code":
        form = ReauthenticateForm(data={"code": proof.value}, user=user)
    else:
        form = ReauthenticateWebAuthnForm(data={"credential": proof.value}, user=user)
    if form.is_valid():
        form.save()
        return ""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  # only who is signed in gets here
    return request.user
