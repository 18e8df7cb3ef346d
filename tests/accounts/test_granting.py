"""Giving and taking roles: on the page, by command, with what each leaves in the ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import Grant, User
from aggportal.accounts.rights import PORTAL, Role, Scope
from aggportal.accounts.roles import give_role, has_role
from aggportal.certs.models import Authority
from aggportal.clusters.models import Cluster
from aggportal.clusters.services.clusters import connect_cluster, delete_cluster
from aggportal.kube.connections import from_token
from aggportal.ledger.models import Entry
from aggportal.web.actors import system_actor
from tests.certs.makers import make_authority

SignIn = Callable[[User], Client]


@pytest.fixture
def authority(db: None) -> Authority:
    return make_authority()


def give(client: Client, user: User, role: str, where: str = "") -> int:
    return client.post(f"/people/{user.pk}/grants/", {"role": role, "where": where}).status_code


def test_a_role_on_an_authority_is_given_recorded_and_taken(
    administrator: User, viewer: User, authority: Authority, client_of: SignIn
) -> None:
    client = client_of(administrator)
    assert give(client, viewer, "issuer", f"authority:{authority.pk}") == 302
    vera = User.objects.get(pk=viewer.pk)
    assert has_role(vera, Role.ISSUER, on=authority.scope)
    given = Entry.objects.get(action="grant.given")
    assert given.actor_name == "ada"
    assert given.object_label == "vera"
    assert given.detail["role"] == "issuer"
    assert given.detail["where"] == str(authority)
    page = client.get(f"/people/{viewer.pk}/").content.decode()
    assert str(authority) in page
    grant = vera.grants.get(role=Role.ISSUER)
    assert client.post(f"/people/{viewer.pk}/grants/{grant.pk}/take/").status_code == 302
    assert not has_role(User.objects.get(pk=viewer.pk), Role.ISSUER)
    assert Entry.objects.get(action="grant.taken").detail["role"] == "issuer"


@pytest.mark.parametrize(
    ("role", "where", "status"),
    [
        ("auditor", "authority:{pk}", 422),
        ("operator", "authority:{pk}", 422),
        ("issuer", "authority:999999", 422),
        ("issuer", "authority:9999999999999999999999999", 422),
        ("issuer", "galaxy:1", 422),
        ("issuer", "authority:\x00", 422),
        ("root", "", 422),
        ("", "", 422),
        ("viewer", "", 409),
    ],
)
def test_what_cannot_be_given_is_said_beside_the_field(  # one table
    administrator: User,
    viewer: User,
    authority: Authority,
    client_of: SignIn,
    role: str,
    where: str,
    status: int,
) -> None:
    sent = {"role": role, "where": where.format(pk=authority.pk)}
    answer = client_of(administrator).post(f"/people/{viewer.pk}/grants/", sent)
    assert answer.status_code == status
    assert "field-errors" in answer.content.decode()
    assert Grant.objects.filter(user=viewer).count() == 1


def test_whoever_gives_themselves_a_role_is_recorded_as_that(
    administrator: User, client_of: SignIn
) -> None:
    client = client_of(administrator)
    assert (
        "recorded as your own deed" in client.get(f"/people/{administrator.pk}/").content.decode()
    )
    assert give(client, administrator, "auditor") == 302
    assert Entry.objects.get(action="grant.given").detail["own"] is True


def test_an_administrator_of_one_authority_gives_no_roles(
    stranger: User, viewer: User, authority: Authority, client_of: SignIn
) -> None:
    Grant.objects.create(
        user=stranger,
        role=Role.ADMINISTRATOR,
        scope_kind="authority",
        scope_key=str(authority.pk),
        granted_by="a test",
        granted_at=timezone.now(),
    )
    client = client_of(stranger)
    assert give(client, stranger, "administrator") == 403
    assert client.get("/people/").status_code == 403
    assert client.get(f"/authorities/{authority.slug}/").status_code == 200


def test_of_two_administrators_one_can_leave(
    administrator: User, issuer: User, client_of: SignIn
) -> None:
    give_role(issuer, Role.ADMINISTRATOR)
    client = client_of(administrator)
    path = f"/people/{administrator.pk}/grants/{administrator.grants.get().pk}/take/"
    assert client.post(path).status_code == 302
    assert client.get("/people/").status_code == 403


def test_a_grant_of_somebody_else_is_not_found_under_this_person(
    administrator: User, viewer: User, issuer: User, client_of: SignIn
) -> None:
    path = f"/people/{viewer.pk}/grants/{issuer.grants.get().pk}/take/"
    assert client_of(administrator).post(path).status_code == 404
    assert issuer.grants.exists()


def test_forgetting_a_cluster_takes_the_roles_on_it(operator: User) -> None:
    by, now = system_actor("a test"), timezone.now()
    connection = from_token("https://127.0.0.1:1", "", "a-token")
    cluster = connect_cluster("one", connection, by=by, now=now)
    Grant.objects.filter(user=operator).update(scope_kind="cluster", scope_key=str(cluster.pk))
    delete_cluster(cluster, by=by, now=now)
    assert not operator.grants.exists()
    assert Entry.objects.get(action="grant.taken").detail["where"] == "one"
    assert not Cluster.objects.exists()


def test_the_command_gives_takes_and_records(viewer: User, authority: Authority) -> None:
    call_command("grant", "vera", "approver", authority=authority.slug)
    grant = viewer.grants.get(role=Role.APPROVER)
    assert grant.scope == authority.scope
    assert Entry.objects.get(action="grant.given").actor_name == "grant"
    call_command("grant", "vera", "approver", authority=authority.slug, take=True)
    call_command("grant", "vera", "administrator")
    assert has_role(User.objects.get(pk=viewer.pk), Role.ADMINISTRATOR, on=PORTAL)


@pytest.mark.parametrize(
    ("name", "role", "where"),
    [
        ("nobody", "viewer", {}),
        ("vera", "viewer", {}),
        ("vera", "issuer", {"authority": "atlantis"}),
        ("vera", "operator", {"cluster": "atlantis"}),
        ("vera", "approver", {"take": True}),
    ],
)
def test_the_command_says_what_is_wrong(
    viewer: User, name: str, role: str, where: dict[str, object]
) -> None:
    with pytest.raises(CommandError):
        call_command("grant", name, role, **where)
    assert viewer.grants.count() == 1


def test_a_scope_that_is_gone_is_called_by_its_number(
    administrator: User, client_of: SignIn
) -> None:
    Grant.objects.create(
        user=administrator,
        role=Role.ISSUER,
        scope_kind="authority",
        scope_key="77",
        granted_by="a test",
        granted_at=timezone.now(),
    )
    page = client_of(administrator).get("/people/").content.decode()
    assert "authority 77" in page
    assert Scope(kind="authority", key="77") == administrator.grants.get(role=Role.ISSUER).scope
