"""Sessions: a new key at sign-in, an end when nobody is there, an end for all at once."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from aggportal.accounts.jobs import forget_sessions
from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role
from aggportal.accounts.sessions import BEGAN_AT, SEEN_AT
from aggportal.ledger.models import Entry

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
PASSWORD = "correct horse battery"


def _set_back(client: Client, **seconds: int) -> None:
    session = client.session
    for name, ago in seconds.items():
        session[{"began": BEGAN_AT, "seen": SEEN_AT}[name]] = int(time.time()) - ago
    session.save()


def test_session_rotates(viewer: User) -> None:
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    client.post("/login/", {"username": "vera", "password": PASSWORD})
    assert client.session.session_key != session.session_key
    assert not Session.objects.filter(pk=session.session_key).exists()


def test_an_idle_session_ends_on_the_server(viewer: User, client_of: SignIn) -> None:
    client = client_of(viewer)
    key = client.session.session_key
    _set_back(client, seen=14 * 60)
    assert client.get("/account/").status_code == 200
    _set_back(client, seen=15 * 60)
    assert client.get("/account/")["Location"] == "/login/?next=/account/"
    assert not Session.objects.filter(pk=key).exists()
    assert '"idle"' in Entry.objects.get(action="account.session_ended").canonical


def test_a_request_keeps_it_and_a_page_that_asks_by_itself_does_not(
    viewer: User, client_of: SignIn
) -> None:
    client = client_of(viewer)
    _set_back(client, seen=10 * 60)
    client.get("/account/", headers={"X-Poll": "yes", "HX-Request": "true"})
    assert client.session[SEEN_AT] < time.time() - 500
    client.get("/account/")
    assert client.session[SEEN_AT] > time.time() - 60


def test_a_poll_of_an_ended_session_leads_to_sign_in_and_back(
    viewer: User, client_of: SignIn
) -> None:
    client = client_of(viewer)
    _set_back(client, seen=3600)
    headers = {
        "HX-Request": "true",
        "X-Poll": "yes",
        "HX-Current-URL": "http://testserver/clusters/",
    }
    answer = client.get("/account/", headers=headers)
    assert answer["HX-Redirect"] == "/login/?next=%2Fclusters%2F"


def test_after_a_working_day_it_ends_in_any_case(viewer: User, client_of: SignIn) -> None:
    client = client_of(viewer)
    _set_back(client, began=8 * 3600, seen=0)
    assert client.get("/account/").status_code == 302


def test_what_is_open_to_everybody_does_not_look_at_the_session(client_of: SignIn) -> None:
    assert "Cookie" not in Client().get("/healthz").get("Vary", "")


def test_signing_out_everywhere(viewer: User, issuer: User, client_of: SignIn) -> None:
    here, there, other = client_of(viewer), client_of(viewer), client_of(issuer)
    assert here.post("/account/sessions/end/")["Location"] == "/login/"
    assert there.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 302
    assert other.get("/account/").status_code == 200
    assert Entry.objects.filter(action="account.signed_out_everywhere").count() == 1


def test_what_is_taken_away_is_gone_at_once(
    administrator: User, viewer: User, client_of: SignIn
) -> None:
    client = client_of(administrator)
    assert client.get("/people/").status_code == 200
    give_role(administrator, Role.VIEWER)
    assert client.get("/people/").status_code == 403
    User.objects.filter(pk=administrator.pk).update(is_active=False)
    assert client.get("/account/").status_code == 302


def test_a_closed_account_has_no_session_to_come_back_to(
    administrator: User, viewer: User, client_of: SignIn
) -> None:
    old, client = client_of(viewer), client_of(administrator)
    typed = {"confirm": "vera"}
    assert client.post(f"/people/{viewer.pk}/close/", typed).status_code == 302
    assert client.post(f"/people/{viewer.pk}/reopen/", typed).status_code == 302
    assert User.objects.get(pk=viewer.pk).is_active
    assert old.get("/account/")["Location"].startswith("/login/")


def test_the_own_account_shows_the_last_sign_ins(viewer: User) -> None:
    client = Client(REMOTE_ADDR="192.0.2.44")
    client.post("/login/", {"username": "vera", "password": PASSWORD})
    assert "192.0.2.44" in client.get("/account/").content.decode()


@pytest.mark.parametrize("path", ["/account/sessions/end/", "/account/recovery-codes/"])
def test_what_changes_something_answers_post_alone(
    viewer: User, client_of: SignIn, path: str
) -> None:
    assert client_of(viewer).get(path).status_code == 405
    assert Client().post(path).status_code == 302


def test_a_session_without_anybody_is_short_and_forgotten(viewer: User) -> None:
    client = Client()
    client.get("/login/passkey/")
    (row,) = Session.objects.all()
    assert (row.expire_date - timezone.now()).total_seconds() <= 300
    forget_sessions(timezone.now())
    assert Session.objects.count() == 1
    client.post("/login/", {"username": "vera", "password": PASSWORD})
    (row,) = Session.objects.all()
    assert (row.expire_date - timezone.now()).total_seconds() > 7 * 3600
    forget_sessions(timezone.now() + dt.timedelta(hours=9))
    assert not Session.objects.exists()


def test_nobody_fills_the_table_of_sessions() -> None:
    for _ in range(30):
        Client().get("/login/passkey/")
    assert Session.objects.count() == 20
