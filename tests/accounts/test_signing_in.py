"""Signing in: one door, a one-time password opens one page, and all of it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role
from aggportal.accounts.services import add_person
from aggportal.ledger.models import Entry
from aggportal.web.actors import system_actor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/authorities/",
        "/certificates/",
        "/clusters/",
        "/flags/",
        "/audit/",
        "/people/",
        "/account/",
    ],
)
def test_every_page_asks_to_sign_in(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_login(path: str) -> None:
    assert Client().get(path).json()["status"] == "ok"


def test_a_one_time_password_opens_only_the_page_that_replaces_it() -> None:
    _, password = add_person("new", role=Role.VIEWER, by=system_actor("a test"))
    client = Client()
    client.post("/login/", {"username": "new", "password": password})
    assert client.get("/audit/")["Location"] == "/account/password/"
    answer = client.post(
        "/account/password/",
        {
            "old_password": password,
            "new_password1": "quiet-harbour-7",
            "new_password2": "quiet-harbour-7",
        },
    )
    assert answer["Location"] == "/"
    assert client.get("/certificates/").status_code == 200


def test_a_weak_new_password_is_refused_beside_the_field() -> None:
    _, password = add_person("new", role=Role.VIEWER, by=system_actor("a test"))
    client = Client()
    client.post("/login/", {"username": "new", "password": password})
    answer = client.post(
        "/account/password/",
        {"old_password": password, "new_password1": "short", "new_password2": "short"},
    )
    assert answer.status_code == 422
    assert "too short" in answer.content.decode()
    assert User.objects.get().must_change_password


def test_signing_in_and_failing_to_are_recorded(viewer: User) -> None:
    client = Client(REMOTE_ADDR="192.0.2.9")
    client.post("/login/", {"username": "vera", "password": "wrong"})
    client.post("/login/", {"username": "vera", "password": "correct horse battery"})
    seen = Entry.objects.filter(address="192.0.2.9").order_by("seq")
    assert list(seen.values_list("action", "outcome")) == [
        ("account.sign_in_failed", "refused"),
        ("account.signed_in", "done"),
    ]
    assert "wrong" not in "".join(Entry.objects.values_list("canonical", flat=True))


def test_the_first_administrator_is_made_once() -> None:
    out = StringIO()
    call_command("make_first_administrator", stdout=out)
    call_command("make_first_administrator", stdout=out)
    assert out.getvalue().count("One-time password") == 1
    password = out.getvalue().split("One-time password:")[1].split()[0]
    assert Client().login(username="admin", password=password)
    assert User.objects.get().must_change_password


def test_django_admin_has_no_door_of_its_own() -> None:
    assert Client().get("/admin/login/?next=/admin/")["Location"] == "/login/?next=/admin/"


def test_django_admin_has_no_unrecorded_page_for_the_own_password(
    administrator: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(administrator).get("/admin/password_change/")
    assert answer["Location"] == "/account/password/"


@pytest.mark.parametrize("page", ["http://[", "https://elsewhere.example/"])
def test_a_fragment_with_an_odd_address_goes_to_sign_in_too(page: str) -> None:
    answer = Client().get("/audit/", headers={"HX-Request": "true", "HX-Current-URL": page})
    assert answer["HX-Redirect"] == "/login/?next=%2F"
