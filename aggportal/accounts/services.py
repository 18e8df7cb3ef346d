"""What is done to people: added, given a new one-time password. `granting` has what they may do.

Each with its record, or not at all.
"""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction
from django.utils import timezone

from aggportal.accounts.models import Grant, User
from aggportal.accounts.rights import Role
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


class NameTaken(RefusedError):
    """Somebody has this name already."""

    code = "name_taken"


def one_time_password() -> str:
    """Return a password of 96 random bits in four readable groups."""
    token = secrets.token_hex(12)
    return "-".join(token[start : start + 6] for start in range(0, 24, 6))


@transaction.atomic
def add_person(username: str, *, role: Role, email: str = "", by: Actor) -> tuple[User, str]:
    """Add a person and return them with their one-time password, which is kept nowhere.

    Raises NameTaken, also where two people add the same name at once.
    """
    password = one_time_password()
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, email, password, must_change_password=True)
    except IntegrityError as exc:
        text = gettext_noop("Somebody has this name already. Choose another.")
        raise NameTaken(text, field="username") from exc
    Grant.objects.create(user=user, role=role, granted_by=by.name, granted_at=timezone.now())
    _record("person.added", user, by=by, role=role.value)
    return user, password


@transaction.atomic
def renew_password(user: User, *, by: Actor) -> str:
    """Give `user` a new one-time password, return it, and end the old sessions."""
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    _record("person.password_renewed", user, by=by)
    return password


@transaction.atomic
def change_own_password(user: User, password: str, *, by: Actor) -> None:
    """Give `user` the password of their own choice; a one-time password ends with it."""
    user.set_password(password)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    _record("account.password_changed", user, by=by)


def _record(action: str, user: User, *, by: Actor, **detail: str) -> None:
    record(action, actor=by, subject=("user", user.pk, user.username), detail=detail)
