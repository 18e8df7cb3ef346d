"""How a person who is signed in proves once more who they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from aggportal.accounts import factor_checks
from aggportal.accounts.carrying import PROOF
from aggportal.accounts.models import User
from aggportal.accounts.provider_people import comes_from_provider

# What JavaScript fills in comes first: the fields for typing are empty then.
_KINDS = ("passkey", "code", "password")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What was given: `kind` is password, code (of an app, or a recovery code) or passkey."""

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
    found = [kind for kind in _KINDS if f"{PROOF}{kind}" in request.POST]
    full = [kind for kind in found if request.POST[f"{PROOF}{kind}"]]
    if not found:
        return None
    kind = (full or found)[0]
    return Proof(kind=kind, value=str(request.POST[f"{PROOF}{kind}"]))


def ways_of(user: User) -> Ways:
    """Return how a person can prove who they are; begins to ask for a passkey, if they have one."""
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    passkey = Authenticator.Type.WEBAUTHN in kinds
    return Ways(
        password=user.has_usable_password(),
        code=Authenticator.Type.TOTP in kinds,
        passkey=passkey,
        provider=comes_from_provider(user),
        passkey_options=passkey_options(user) if passkey else "",
    )


def passkey_options(user: User | None) -> str:
    """Begin to ask for a passkey (of anybody where `user` is None); JSON for the browser."""
    return json.dumps(webauthn.begin_authentication(user), default=dict)


def problem_with(request: HttpRequest, proof: Proof) -> str:
    """Return what is wrong with a proof, in words; nothing where it holds.

    Failures count for the lockout of the name and the address, and are in the ledger.
    """
    user = person_of(request)
    if proof.kind != "password":
        factor = factor_checks.Given(kind=proof.kind, value=proof.value)
        return factor_checks.problem_with(request, user, factor, again=True)
    if not proof.value:
        return _("Enter your password.")
    try:
        if get_adapter().reauthenticate(user, proof.value):
            return ""
    except ValidationError as refused:
        return " ".join(refused.messages)
    return _("This is not your password. Nothing was done yet; try again.")


def person_of(request: HttpRequest) -> User:
    """Return who is signed in, where nobody else gets to."""
    assert isinstance(request.user, User)  # noqa: S101  # SignInRequired lets nobody else in
    return request.user
