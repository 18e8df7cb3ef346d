"""Roles: what each holds, where, and that nothing but a grant gives one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import Grant, User
from aggportal.accounts.rights import PORTAL, Role, Scope, ScopeKind
from aggportal.accounts.roles import (
    has_role,
    keys_held,
    require_actor_role,
    require_role,
    role_of,
    roles_of,
)
from aggportal.web.actors import Actor, system_actor

SignIn = Callable[[User], Client]
ONE = Scope(kind="authority", key="1")
OTHER = Scope(kind="authority", key="2")
CLUSTER = Scope(kind="cluster", key="1")


def grant(user: User, role: Role, on: Scope = PORTAL) -> User:
    Grant.objects.create(
        user=user,
        role=role,
        scope_kind=on.kind,
        scope_key=on.key,
        granted_by="a test",
        granted_at=timezone.now(),
    )
    return User.objects.get(pk=user.pk)


HOLDS = {
    Role.VIEWER: {Role.VIEWER},
    Role.REQUESTER: {Role.VIEWER, Role.REQUESTER},
    Role.ISSUER: {Role.VIEWER, Role.REQUESTER, Role.ISSUER},
    Role.APPROVER: {Role.VIEWER, Role.APPROVER},
    Role.AUDITOR: {Role.VIEWER, Role.AUDITOR},
    Role.OPERATOR: {Role.VIEWER, Role.OPERATOR},
    Role.ADMINISTRATOR: set(Role),
}


@pytest.mark.parametrize("role", Role)
def test_each_role_holds_what_it_says_and_no_more(stranger: User, role: Role) -> None:
    user = grant(stranger, role)
    assert {each for each in Role if has_role(user, each)} == HOLDS[role]
    assert {each for each in Role if has_role(user, each, on=PORTAL)} == HOLDS[role]


def test_a_role_on_one_authority_is_none_on_another(stranger: User) -> None:
    user = grant(stranger, Role.ISSUER, ONE)
    assert has_role(user, Role.ISSUER, on=ONE)
    assert has_role(user, Role.REQUESTER, on=ONE)
    assert has_role(user, Role.ISSUER)
    for scope in (OTHER, CLUSTER, PORTAL):
        assert not has_role(user, Role.ISSUER, on=scope)
        with pytest.raises(PermissionDenied):
            require_role(user, Role.ISSUER, on=scope)


def test_reading_is_one_right_for_the_whole_portal(stranger: User) -> None:
    user = grant(stranger, Role.OPERATOR, CLUSTER)
    assert all(has_role(user, Role.VIEWER, on=scope) for scope in (None, PORTAL, ONE, CLUSTER))


def test_an_administrator_of_one_authority_administers_nothing_else(stranger: User) -> None:
    user = grant(stranger, Role.ADMINISTRATOR, ONE)
    assert has_role(user, Role.ADMINISTRATOR, on=ONE)
    assert has_role(user, Role.APPROVER, on=ONE)
    assert not has_role(user, Role.ADMINISTRATOR)
    for role in (Role.AUDITOR, Role.OPERATOR):
        assert not has_role(user, role)


def test_forms_learn_where_a_role_is_held(stranger: User, issuer: User) -> None:
    user = grant(grant(stranger, Role.ISSUER, ONE), Role.APPROVER, OTHER)
    assert keys_held(user, Role.ISSUER, ScopeKind.AUTHORITY) == frozenset({"1"})
    assert keys_held(user, Role.OPERATOR, ScopeKind.CLUSTER) == frozenset()
    assert keys_held(issuer, Role.REQUESTER, ScopeKind.AUTHORITY) is None


@pytest.mark.parametrize(
    ("role", "on"),
    [
        (Role.VIEWER, ONE),
        (Role.AUDITOR, CLUSTER),
        (Role.ISSUER, CLUSTER),
        (Role.OPERATOR, ONE),
        (Role.ISSUER, Scope(kind="authority")),
        (Role.ISSUER, Scope(key="1")),
        (Role.ISSUER, Scope(kind="galaxy", key="1")),
    ],
)
def test_the_database_refuses_a_grant_that_means_nothing(
    stranger: User, role: Role, on: Scope
) -> None:
    with pytest.raises(IntegrityError):
        grant(stranger, role, on)


def test_the_database_keeps_a_grant_once(viewer: User) -> None:
    with pytest.raises(IntegrityError):
        grant(viewer, Role.VIEWER)


def test_a_superuser_without_a_grant_sees_nothing_and_cannot_sign(client: Client, db: None) -> None:
    User.objects.create_superuser("root", "root@example.com", "x")
    root = User.objects.get(username="root")
    assert (root.is_superuser, root.is_staff) == (True, True)
    assert role_of(root) is None
    assert not any(has_role(root, role) for role in Role)
    client.force_login(root)
    for path in ("/", "/certificates/", "/people/", "/audit/", "/certificates/new/"):
        assert client.get(path).status_code == 403
    assert client.get("/admin/accounts/user/").status_code == 302  # to where one signs in
    with pytest.raises(PermissionDenied):
        require_actor_role(Actor(id=root.pk, name="root"), Role.ISSUER, on=ONE)


def test_a_closed_account_and_nobody_hold_nothing(administrator: User) -> None:
    administrator.is_active = False
    administrator.save()
    closed = User.objects.get(pk=administrator.pk)
    assert not any(has_role(closed, role) for role in Role)
    assert roles_of(AnonymousUser()) == ()
    assert not has_role(AnonymousUser(), Role.VIEWER)


def test_services_ask_the_database_anew_and_let_the_portals_own_programs_pass(
    issuer: User,
) -> None:
    by = Actor(id=issuer.pk, name="ian")
    require_actor_role(by, Role.ISSUER, on=ONE)
    require_actor_role(system_actor("worker"), Role.ADMINISTRATOR)
    issuer.grants.all().delete()
    for actor in (by, Actor(id=None, name=""), Actor(id=987_654, name="ian")):
        with pytest.raises(PermissionDenied):
            require_actor_role(actor, Role.VIEWER)


def test_the_roles_of_a_person_are_read_by_one_query(
    issuer: User, django_assert_num_queries: Callable[..., object]
) -> None:
    user = User.objects.get(pk=issuer.pk)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]  # a context manager
        for role in Role:
            has_role(user, role, on=ONE)
