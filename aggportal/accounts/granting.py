"""Giving roles and taking them away, closing accounts: each with its record, or not at all."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from aggportal.accounts.models import Grant, User
from aggportal.accounts.rights import PORTAL, Role, Scope
from aggportal.accounts.scopes import names_of, require_there
from aggportal.accounts.sessions import end_sessions
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


class LastAdministrator(RefusedError):
    """The change would leave nobody who can administer the portal."""

    code = "last_administrator"


class AlreadyGranted(RefusedError):
    """The person holds this role there already."""

    code = "already_granted"


class DoesNotFit(RefusedError):
    """The role cannot be limited to such a thing."""

    code = "does_not_fit"


class Closed(RefusedError):
    """The account is closed."""

    code = "closed"


@transaction.atomic
def give_grant(user: User, role: Role, *, on: Scope = PORTAL, by: Actor, now: dt.datetime) -> Grant:
    """Give `user` a role for the portal or for one thing.

    Raises DoesNotFit, NothingThere, AlreadyGranted, and Closed for a closed account.
    """
    if on != PORTAL and on.kind not in role.kinds:
        raise DoesNotFit(_why(role), field="where")
    require_there(on)
    if not User.objects.select_for_update().get(pk=user.pk).is_active:
        raise Closed(gettext_noop("The account is closed. Open it again first."), field="role")
    try:
        with transaction.atomic():
            grant = Grant.objects.create(
                user=user,
                role=role,
                scope_kind=on.kind,
                scope_key=on.key,
                granted_by=by.name,
                granted_at=now,
            )
    except IntegrityError as clash:
        text = gettext_noop("%(name)s holds this role there already.")
        raise AlreadyGranted(text, field="role", name=user.username) from clash
    user.forget_held()
    _record_grant("grant.given", grant, by=by, now=now)
    return grant


@transaction.atomic
def take_grant(grant: Grant, *, by: Actor, now: dt.datetime) -> None:
    """Take a role away; whoever did it first did it. Raises LastAdministrator."""
    user = grant.user
    if grant.role == Role.ADMINISTRATOR and grant.scope == PORTAL:
        _require_another_administrator(user)
    if Grant.objects.filter(pk=grant.pk).delete()[0]:
        _record_grant("grant.taken", grant, by=by, now=now)
    user.forget_held()


@transaction.atomic
def take_grants_on(scope: Scope, *, by: Actor, now: dt.datetime) -> None:
    """Take every grant that is limited to `scope`, which is about to be deleted."""
    grants = Grant.objects.filter(scope_kind=scope.kind, scope_key=scope.key)
    for grant in grants.exclude(scope_kind="").select_related("user"):
        take_grant(grant, by=by, now=now)


@transaction.atomic
def close_account(user: User, *, by: Actor, now: dt.datetime) -> None:
    """Let nobody in by this account; grants and sessions end. Raises LastAdministrator."""
    _require_another_administrator(user)
    for grant in user.grants.all():
        take_grant(grant, by=by, now=now)
    if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        end_sessions(user)
        _record_person("person.closed", user, by=by, now=now)


@transaction.atomic
def reopen_account(user: User, *, by: Actor, now: dt.datetime) -> None:
    """Let the person in again, with no role until somebody gives one."""
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        _record_person("person.reopened", user, by=by, now=now)


def _why(role: Role) -> str:
    if not role.kinds:
        return gettext_noop("This role is for everywhere: it cannot be limited to one thing.")
    if len(role.kinds) > 1:
        return gettext_noop("This role is for everywhere, for an authority or for a cluster.")
    if role is Role.OPERATOR:
        return gettext_noop("This role is for clusters. Choose everywhere or a cluster.")
    return gettext_noop("This role is for authorities. Choose everywhere or an authority.")


def _require_another_administrator(user: User) -> None:
    """Locked together and in one order, so that two who take each other's leave one."""
    held = Grant.objects.select_for_update().filter(
        role=Role.ADMINISTRATOR, scope_kind="", user__is_active=True
    )
    holders = set(held.order_by("pk").values_list("user_id", flat=True))
    if holders == {user.pk}:
        raise LastAdministrator(
            gettext_noop(
                "%(name)s is the last administrator. Make somebody else one first, or nobody "
                "could manage the portal."
            ),
            field="role",
            name=user.username,
        )


def _record_grant(action: str, grant: Grant, *, by: Actor, now: dt.datetime) -> None:
    scope = grant.scope
    detail: dict[str, object] = {"role": grant.role, "where": names_of([scope])[scope]}
    if scope != PORTAL:
        detail |= {"scope": scope.kind, "scope_id": scope.key}
    if by.id is not None and by.id == grant.user_id:
        detail["own"] = True
    subject = ("user", grant.user_id, grant.user.username)
    record(action, actor=by, subject=subject, detail=detail, at=now)


def _record_person(action: str, user: User, *, by: Actor, now: dt.datetime) -> None:
    record(action, actor=by, subject=("user", user.pk, user.username), at=now)
