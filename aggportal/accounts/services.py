"""What is done to people: added, given a role, closed, given a new one-time password."""

from __future__ import annotations

import secrets

from django.db import transaction

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role, role_of
from aggportal.words import RefusedError, gettext_noop


class LastAdministrator(RefusedError):
    """The change would leave nobody who can administer the portal."""

    code = "last_administrator"


def one_time_password() -> str:
    """Return a password of 96 random bits in four readable groups."""
    token = secrets.token_hex(12)
    return "-".join(token[start : start + 6] for start in range(0, 24, 6))


@transaction.atomic
def add_person(username: str, *, role: Role, email: str = "") -> tuple[User, str]:
    """Add a person and return them with their one-time password, which is kept nowhere."""
    password = one_time_password()
    user = User.objects.create_user(username, email, password, must_change_password=True)
    give_role(user, role)
    return user, password


@transaction.atomic
def renew_password(user: User) -> str:
    """Give `user` a new one-time password, return it, and end the old sessions."""
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    return password


@transaction.atomic
def change_role(user: User, role: Role | None) -> None:
    """Give `user` another role (None closes the account), never leaving the portal without an
    administrator.
    """
    if role != Role.ADMINISTRATOR:
        _require_another_administrator(user)
    give_role(user, role)
    user.is_active = role is not None
    user.save(update_fields=["is_active"])


def _require_another_administrator(user: User) -> None:
    others = User.objects.select_for_update().filter(
        groups__name=Role.ADMINISTRATOR.value, is_active=True
    )
    if role_of(user) == Role.ADMINISTRATOR and not others.exclude(pk=user.pk).exists():
        raise LastAdministrator(
            gettext_noop(
                "%(name)s is the last administrator. Make somebody else one first, or nobody "
                "could manage the portal."
            ),
            field="role",
            name=user.username,
        )
