"""How django-allauth behaves in this house: it counts, checks and remembers; we say it.

No sign-up, no mail, no messages of its own; failures and lockouts are in the ledger.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.accounts import lockout, sealing
from aggportal.accounts.models import User
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import Actor, client_address


class AccountAdapter(DefaultAccountAdapter):
    """Names and passwords."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": gettext_lazy(
            "Name and password do not belong together, or the account is closed."
        ),
        "too_many_login_attempts": gettext_lazy("Too many tries failed. Try again later."),
        "rate_limited": gettext_lazy("Too many tries failed. Try again later."),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address as the rest of the portal knows it."""
        return client_address(request)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Nothing is mailed about signing in."""

    def send_notification_mail(self, *args: object, **kwargs: object) -> None:
        """Nothing is mailed about signing in; the ledger has it."""

    def add_message(self, *args: object, **kwargs: object) -> None:
        """Our pages say what was done."""

    def get_login_stages(self) -> list[str]:
        return ["aggportal.accounts.second_step.SecondStep"]

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        messages.error(request, _("This account is closed. An administrator can open it again."))
        return redirect("accounts:login")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count by name alone: by host name, as allauth does, each would have tries of its own."""
        return str(credentials.get("username", "")).casefold()[:150]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse while the name or the address is locked, before any password is looked at."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as refused:
            key = self._get_login_attempts_cache_key(request, **credentials)
            seconds = lockout.seconds_left(request, key=key)
            record_lockout(request, str(credentials.get("username", "")), key, seconds=seconds)
            raise ValidationError(
                lockout.words_for(seconds), code="too_many_login_attempts"
            ) from refused


def record_lockout(request: HttpRequest, name: str, key: str, *, seconds: float) -> None:
    """Tell the ledger once that `name` is locked for whoever sits at this address."""
    if not lockout.is_first_notice(request, key=key, seconds=seconds):
        return
    person = Actor(
        id=None,
        name=name[:150],
        address=client_address(request),
        request_id=getattr(request, "request_id", ""),
    )
    record(
        "account.locked_out",
        actor=person,
        subject=("user", "", name[:150]),
        outcome=Outcome.REFUSED,
        detail={"seconds": str(round(seconds))},
    )


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: their secrets are sealed, so that the database alone holds none."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "This does not fit. A code counts once and for half a minute: take the newest."
        ),
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """What cannot be opened any more becomes a secret that nobody has."""
        try:
            return sealing.unseal(encrypted_text)
        except sealing.Unreadable:
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def get_totp_label(self, user: User) -> str:
        return user.username

    def get_totp_issuer(self) -> str:
        return "AggPortal"

    def _get_site_name(self) -> str:
        return "AggPortal"
