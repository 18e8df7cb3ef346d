"""People: administrators add them, nobody locks everybody out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from aggportal.accounts.forms import PersonForm
from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, role_of
from aggportal.ledger.models import Head

SignIn = Callable[[User], Client]


def test_an_added_person_gets_a_one_time_password(administrator: User, client_of: SignIn) -> None:
    answer = client_of(administrator).post("/people/add/", {"username": "mei", "role": "issuer"})
    password = answer.context["password"]
    assert answer["Cache-Control"] == "no-store"
    mei = User.objects.get(username="mei")
    assert mei.check_password(password)
    assert mei.must_change_password
    assert role_of(mei) == Role.ISSUER


@pytest.mark.parametrize(
    "typed",
    [
        {"username": "", "role": "issuer"},
        {"username": "ADA", "role": "issuer"},
        {"username": "<script>", "role": "issuer"},
        {"username": "mei", "role": "root"},
        {"username": "mei", "role": "issuer", "email": "nowhere"},
        {"username": "a\x00b", "role": "issuer"},
    ],
)
def test_bad_input_is_said_beside_the_field(
    administrator: User, client_of: SignIn, typed: dict[str, str]
) -> None:
    answer = client_of(administrator).post("/people/add/", typed)
    assert answer.status_code == 422
    assert "field-errors" in answer.content.decode()
    assert User.objects.count() == 1


def test_a_name_that_two_add_at_once_is_refused_beside_the_field(
    administrator: User, client_of: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PersonForm, "clean_username", lambda form: form.cleaned_data["username"])
    answer = client_of(administrator).post("/people/add/", {"username": "ada", "role": "issuer"})
    assert answer.status_code == 422
    assert "Somebody has this name already" in answer.content.decode()


@pytest.mark.parametrize("deed", ["grants/", "password/", "close/"])
def test_what_cannot_be_recorded_is_not_done(
    administrator: User, viewer: User, client_of: SignIn, deed: str
) -> None:
    client = client_of(administrator)
    client.raise_request_exception = False
    Head.objects.update(size=0)  # the next number is taken, so that no entry can be written
    answer = client.post(f"/people/{viewer.pk}/{deed}", {"role": "issuer", "confirm": "vera"})
    assert answer.status_code == 500
    after = User.objects.get(pk=viewer.pk)
    assert (role_of(after), after.must_change_password) == (Role.VIEWER, False)
    assert after.is_active


def test_a_closed_account_has_no_role_and_no_way_in(
    administrator: User, viewer: User, client_of: SignIn
) -> None:
    client = client_of(administrator)
    close = f"/people/{viewer.pk}/close/"
    assert client.post(close, {"confirm": "Vera"}).status_code == 422
    assert client.post(close, {"confirm": "vera"}).status_code == 302
    viewer = User.objects.get(pk=viewer.pk)
    assert not viewer.is_active
    assert not viewer.grants.exists()
    assert not Client().login(username="vera", password="correct horse battery")


def test_an_account_that_is_opened_again_holds_nothing(
    administrator: User, viewer: User, client_of: SignIn
) -> None:
    client = client_of(administrator)
    client.post(f"/people/{viewer.pk}/close/", {"confirm": "vera"})
    refused = client.post(f"/people/{viewer.pk}/grants/", {"role": "viewer", "where": ""})
    assert refused.status_code == 409
    client.post(f"/people/{viewer.pk}/reopen/")
    viewer = User.objects.get(pk=viewer.pk)
    assert viewer.is_active
    assert role_of(viewer) is None


@pytest.mark.parametrize("deed", ["grants/{grant}/take/", "close/"])
def test_the_last_administrator_stays(administrator: User, client_of: SignIn, deed: str) -> None:
    path = deed.format(grant=administrator.grants.get().pk)
    answer = client_of(administrator).post(f"/people/{administrator.pk}/{path}", {"confirm": "ada"})
    assert answer.status_code == 409
    assert "last administrator" in answer.content.decode()
    assert role_of(User.objects.get(pk=administrator.pk)) == Role.ADMINISTRATOR


def test_a_new_one_time_password_ends_the_old_sessions(
    administrator: User, viewer: User, client_of: SignIn
) -> None:
    old = client_of(viewer)
    answer = client_of(administrator).post(f"/people/{viewer.pk}/password/")
    assert old.get("/audit/").status_code == 302
    assert Client().login(username="vera", password=answer.context["password"])


@pytest.mark.parametrize(
    "path", ["/people/add/", "/people/1/grants/", "/people/1/close/", "/people/1/password/"]
)
def test_only_administrators_manage_people(issuer: User, client_of: SignIn, path: str) -> None:
    assert client_of(issuer).post(path).status_code == 403
    assert client_of(issuer).get(path).status_code == 405


def test_django_admin_shows_and_changes_nothing(
    administrator: User, viewer: User, client_of: SignIn
) -> None:
    client = client_of(administrator)
    assert client.get("/admin/accounts/user/").status_code == 200
    assert client.get("/admin/ledger/entry/").status_code == 200
    assert client.get("/admin/accounts/user/add/").status_code == 403
    assert (
        client.post(f"/admin/accounts/user/{viewer.pk}/delete/", {"post": "yes"}).status_code == 403
    )
    assert User.objects.filter(pk=viewer.pk).exists()
