"""Signing in and out, as the ledger records it.

Django's own signals are the only place that sees all of it.
"""

from __future__ import annotations

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from aggportal.accounts.models import User
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import Actor, client_address


def _record(
    action: str,
    request: HttpRequest | None,
    *,
    name: str,
    pk: int | None,
    outcome: Outcome = Outcome.DONE,
) -> None:
    address = client_address(request) if request else ""
    actor = Actor(
        id=pk, name=name[:150], address=address, request_id=getattr(request, "request_id", "")
    )
    record(action, actor=actor, subject=("user", pk or "", name[:150]), outcome=outcome)


@receiver(user_logged_in)
def logged_in(sender: object, request: HttpRequest, user: User, **rest: object) -> None:
    """Record a sign-in."""
    _record("account.signed_in", request, name=user.username, pk=user.pk)


@receiver(user_logged_out)
def logged_out(sender: object, request: HttpRequest, user: User | None, **rest: object) -> None:
    """Record a sign-out."""
    if user is not None:
        _record("account.signed_out", request, name=user.username, pk=user.pk)


@receiver(user_login_failed)
def login_failed(
    sender: object, credentials: dict[str, str], request: HttpRequest | None = None, **rest: object
) -> None:
    """Record a failed sign-in with the name that was tried."""
    name = str(credentials.get("username", ""))
    _record("account.sign_in_failed", request, name=name, pk=None, outcome=Outcome.REFUSED)
