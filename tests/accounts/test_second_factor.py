"""Second factors: set up, asked for, lost, required."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from pytest_django.fixtures import Settings

from aggportal.accounts import factors
from aggportal.accounts.models import User
from aggportal.accounts.sealing import Unreadable, seal, unseal
from aggportal.ledger.models import Entry
from aggportal.web.actors import system_actor

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BY = system_actor("a test")


def code_of(secret: str, *, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def _first_step(name: str = "vera", *, next_page: str = "") -> Client:
    client = Client()
    typed = {"username": name, "password": PASSWORD, "next": next_page}
    assert client.post("/login/", typed)["Location"] == "/login/second/"
    return client


@pytest.fixture
def codes(viewer: User) -> tuple[str, ...]:
    """vera has an authenticator app, and these recovery codes."""
    return factors.add_app(viewer, SECRET, by=BY)


def test_an_app_is_set_up_by_a_code_that_it_shows(viewer: User, client_of: SignIn) -> None:
    client = client_of(viewer)
    page = client.get("/account/totp/").content.decode()
    secret = re.findall(r'id="totp-secret">(\w+)<', page)[0]
    wrong = client.post("/account/totp/", {"code": "000000"})
    assert (wrong.status_code, wrong.content.decode().count(secret)) == (422, 1)
    answer = client.post("/account/totp/", {"code": code_of(secret)})
    assert "no-store" in answer["Cache-Control"]
    assert len(re.findall(r"^\d{10}$", answer.content.decode(), re.MULTILINE)) >= 9
    assert "account.second_factor_added" in Entry.objects.values_list("action", flat=True)
    assert secret not in "".join(Entry.objects.values_list("canonical", flat=True))
    assert secret not in str(Authenticator.objects.get(type="totp").data)
    assert client.post("/account/totp/", {"code": "1"})["Location"] == "/account/"


def test_the_password_alone_opens_nothing(viewer: User, codes: tuple[str, ...]) -> None:
    client = _first_step()
    assert client.get("/account/")["Location"].startswith("/login/")
    assert client.get("/login/second/").status_code == 200
    answer = client.post("/login/second/", {"code": "000000"})
    assert answer.status_code == 422
    assert "does not fit" in answer.content.decode()
    assert Entry.objects.filter(action="account.second_factor_failed").count() == 1
    assert not Entry.objects.filter(action="account.signed_in").exists()


def test_the_second_step_needs_the_first() -> None:
    assert Client().get("/login/second/")["Location"] == "/login/"
    assert Client().post("/login/second/", {"code": "1"})["Location"] == "/login/"


def test_a_code_lets_in_once_and_goes_where_one_wanted(
    viewer: User, codes: tuple[str, ...]
) -> None:
    code = code_of(SECRET)
    client = _first_step(next_page="/clusters/")
    assert client.post("/login/second/", {"code": code})["Location"] == "/clusters/"
    assert client.get("/account/").status_code == 200
    assert _first_step().post("/login/second/", {"code": code}).status_code == 422
    last = code_of(SECRET, steps=-1)
    assert _first_step().post("/login/second/", {"code": last}).status_code == 302
    assert _first_step().post("/login/second/", {"code": last}).status_code == 422


def test_a_recovery_code_lets_in_once(viewer: User, codes: tuple[str, ...]) -> None:
    assert _first_step().post("/login/second/", {"code": codes[0]}).status_code == 302
    assert _first_step().post("/login/second/", {"code": codes[0]}).status_code == 422
    assert factors.factors_of(viewer).codes_left == 9


def test_codes_cannot_be_guessed(viewer: User, codes: tuple[str, ...]) -> None:
    for _ in range(5):
        _first_step().post("/login/second/", {"code": "000000"})
    answer = _first_step().post("/login/second/", {"code": code_of(SECRET)})
    assert "Try again in 15 minutes" in answer.content.decode()
    assert Entry.objects.filter(action="account.locked_out").count() == 1


ODD = ['""', "[]", "{}", "null", "1", '{"id": 1}', "{", '{"response": {"userHandle": "!"}}', ""]


@pytest.mark.parametrize("credential", ODD)
def test_an_odd_passkey_is_refused_with_words(
    viewer: User, codes: tuple[str, ...], client_of: SignIn, credential: str
) -> None:
    anybody = Client()
    assert "publicKey" in anybody.get("/login/passkey/").json()
    assert anybody.post("/login/passkey/", {"credential": credential}).status_code == 422
    assert _first_step().post("/login/second/", {"passkey": credential}).status_code == 422
    typed = {"name": "key", "credential": credential}
    client = client_of(viewer)
    assert client.get("/account/passkeys/new/").status_code == 200
    assert client.post("/account/passkeys/new/", typed).status_code == 422


def test_removing_the_last_one_ends_the_recovery_codes(
    viewer: User, issuer: User, codes: tuple[str, ...], client_of: SignIn
) -> None:
    pk = Authenticator.objects.get(type="totp").pk
    codes_pk = Authenticator.objects.get(type="recovery_codes").pk
    assert client_of(issuer).post(f"/account/factors/{pk}/remove/").status_code == 404
    client = client_of(viewer)
    assert client.post(f"/account/factors/{codes_pk}/remove/").status_code == 404
    assert client.post(f"/account/factors/{pk}/remove/").status_code == 302
    assert not Authenticator.objects.exists()
    assert Entry.objects.filter(action="account.second_factor_removed").count() == 1


def test_new_recovery_codes_replace_the_old(
    viewer: User, codes: tuple[str, ...], client_of: SignIn
) -> None:
    page = client_of(viewer).post("/account/recovery-codes/").content.decode()
    assert codes[0] not in page
    assert _first_step().post("/login/second/", {"code": codes[0]}).status_code == 422


def test_an_administrator_takes_a_lost_one_away(
    administrator: User, viewer: User, codes: tuple[str, ...], client_of: SignIn
) -> None:
    old = client_of(viewer)
    assert client_of(viewer).post(f"/people/{viewer.pk}/factors/").status_code == 403
    assert client_of(administrator).post(f"/people/{viewer.pk}/factors/").status_code == 302
    assert old.get("/account/").status_code == 302
    typed = {"username": "vera", "password": PASSWORD}
    assert Client().post("/login/", typed)["Location"] == "/"
    entry = Entry.objects.get(action="person.second_factor_taken")
    assert (entry.actor_name, entry.object_label) == ("ada", "vera")


@pytest.mark.parametrize(
    ("required", "who", "led"),
    [
        ("optional", "administrator", False),
        ("required-for-power", "administrator", True),
        ("required-for-power", "issuer", True),
        ("required-for-power", "viewer", False),
        ("required", "viewer", True),
    ],
)
def test_who_must_have_one_is_led_to_it_and_to_nothing_else(
    request: pytest.FixtureRequest,
    settings: Settings,
    client_of: SignIn,
    required: str,
    who: str,
    led: bool,
) -> None:
    settings.SECOND_FACTOR = required
    user: User = request.getfixturevalue(who)
    client = client_of(user)
    assert client.get("/certificates/").status_code == (302 if led else 200)
    if led:
        assert client.get("/certificates/")["Location"] == "/account/totp/"
        assert "Your role needs" in client.get("/account/totp/").content.decode()
        factors.add_app(user, SECRET, by=BY)
        assert client.get("/certificates/").status_code == 200


def test_what_was_sealed_under_another_key_lets_nobody_in(
    viewer: User, codes: tuple[str, ...], settings: Settings
) -> None:
    sealed, old = seal("secret"), settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    with pytest.raises(Unreadable):
        unseal(sealed)
    assert _first_step().post("/login/second/", {"code": code_of(SECRET)}).status_code == 422
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed) == "secret"
