"""Guessing is slow, equal work for every name, and written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import hashers
from django.test import Client

from aggportal.accounts import lockout
from aggportal.accounts.models import User
from aggportal.ledger.models import Entry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def _try(name: str, password: str, *, address: str = "192.0.2.9") -> tuple[int, str]:
    client = Client(REMOTE_ADDR=address)
    answer = client.post("/login/", {"username": name, "password": password})
    return answer.status_code, answer.content.decode()


def test_lockout(viewer: User) -> None:
    for _ in range(5):
        assert _try("vera", "wrong")[0] == 422
    status, page = _try("vera", PASSWORD, address="198.51.100.7")
    assert status == 422
    assert "Try again in 15 minutes" in page
    assert _try("VERA", PASSWORD)[0] == 422
    actions = list(Entry.objects.order_by("seq").values_list("action", flat=True))
    assert actions.count("account.sign_in_failed") == 5
    assert actions.count("account.locked_out") == 2  # one for each address that saw it
    assert _try("vera", PASSWORD)[0] == 422
    assert Entry.objects.filter(action="account.locked_out", address="192.0.2.9").count() == 1


def test_a_lockout_of_one_is_none_of_others(viewer: User, issuer: User) -> None:
    for _ in range(6):
        _try("vera", "wrong")
    assert _try("ian", PASSWORD)[0] == 302


def test_an_address_that_tries_many_names_is_locked(viewer: User) -> None:
    for number in range(30):
        assert "nothing is tried" not in _try(f"somebody{number}", "wrong")[1]
    assert "nothing is tried" in _try("vera", PASSWORD)[1]
    assert _try("vera", PASSWORD, address="198.51.100.7")[0] == 302


def test_another_host_name_gives_no_more_tries(viewer: User) -> None:
    for host in ("localhost", "127.0.0.1", "localhost", "127.0.0.1", "localhost"):
        Client(HTTP_HOST=host).post("/login/", {"username": "vera", "password": "wrong"})
    answer = Client(HTTP_HOST="127.0.0.1").post(
        "/login/", {"username": "vera", "password": PASSWORD}
    )
    assert answer.status_code == 422


def test_signing_in_does_not_wipe_what_failed(viewer: User) -> None:
    for _ in range(4):
        _try("vera", "wrong")
    assert _try("vera", PASSWORD)[0] == 302
    _try("vera", "wrong")
    assert _try("vera", PASSWORD)[0] == 422


@pytest.mark.parametrize("name", ["vera", "nobody", "closed", "single"])
def test_login_timing(viewer: User, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("closed", password=PASSWORD, is_active=False)
    User.objects.create_user("single")  # no password: comes through single sign-on
    hasher = type(hashers.get_hasher())
    count, encode = [0], hasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        count[0] += 1
        return str(encode(self, password, salt))

    monkeypatch.setattr(hasher, "encode", counted)
    assert _try(name, "wrong")[0] == 422
    assert count == [1]


def test_who_is_unknown_and_who_is_wrong_read_the_same(viewer: User) -> None:
    User.objects.create_user("closed", password=PASSWORD, is_active=False)
    said = {_said(_try(name, "wrong")[1]) for name in ("vera", "nobody", "closed")}
    assert len(said) == 1


def _said(page: str) -> str:
    return page.split('role="alert"')[1].split("</p>")[0]


def test_passwords_are_hashed_by_argon2_and_old_ones_anew(viewer: User) -> None:
    from aggportal import signing_in

    hasher = hashers.get_hasher
    assert signing_in.PASSWORD_HASHERS[0] == "aggportal.accounts.hashing.Argon2"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "PASSWORD_HASHERS", signing_in.PASSWORD_HASHERS)
        _read_hashers_anew()
        old = hashers.make_password(PASSWORD, hasher="pbkdf2_sha256")
        User.objects.filter(pk=viewer.pk).update(password=old)
        assert _try("vera", PASSWORD)[0] == 302
        viewer.refresh_from_db()
        assert viewer.password.startswith("argon2$argon2id$v=19$m=65536,t=3,p=4$")
    _read_hashers_anew()
    assert hasher().algorithm == "md5"


def _read_hashers_anew() -> None:
    found: Any = hashers
    found.get_hashers.cache_clear()
    found.get_hashers_by_algorithm.cache_clear()


def test_how_long_to_wait_is_said_in_whole_minutes() -> None:
    assert "in 1 minute;" in lockout.words_for(0.2)
    assert "in 3 minutes;" in lockout.words_for(121)
