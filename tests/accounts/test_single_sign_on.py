"""Single sign-on against a real OpenID provider, which runs beside the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django.fixtures import Settings

from aggportal.accounts.confirming import CONFIRMED_AT
from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role, has_role, roles_of
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority

ROOT = Path(__file__).resolve().parents[2]
HONEST: dict[str, Any] = {
    "who": "first",
    "name": "mei",
    "claims": {"groups": ["web", "all"]},
    "spoil": {},
    "forge": False,
}
CALLBACK = "http://testserver/login/oidc/callback/"


@dataclass(frozen=True, kw_only=True)
class Provider:
    port: int
    knobs: Path

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/o"

    def says(self, **what: object) -> None:
        self.knobs.write_text(json.dumps({**HONEST, **what}))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    folder = tmp_path_factory.mktemp("provider")
    knobs = folder / "knobs.json"
    environment = {**os.environ, "PROVIDER_KNOBS": str(knobs), "PYTHONPATH": str(ROOT)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-m", "tests.accounts.provider_site", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield Provider(port=int(process.stdout.readline() or "0"), knobs=knobs)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def provider(db: None, running: Provider, settings: Settings) -> Provider:
    settings.OIDC_ISSUER = running.issuer
    settings.OIDC_CLIENT_ID = "portal"
    settings.OIDC_CLIENT_SECRET = "the portal's secret"
    settings.OIDC_ROLES = ["admins=administrator", "web=issuer", "all=auditor"]
    running.says()
    return running


def _at_provider(address: str) -> str:
    """Be a browser at the provider, and return the address by which it sends one back."""
    browser = requests.Session()
    for _ in range(6):
        answer = browser.get(address, allow_redirects=False, timeout=60)
        assert answer.status_code == 302, answer.text[:400]
        address = urljoin(address, answer.headers["Location"])
        if address.startswith(CALLBACK):
            return address.removeprefix("http://testserver")
    raise AssertionError(address)


def _sign_in(client: Client, start: str = "/login/oidc/?next=/clusters/") -> Any:
    led = client.get(start)
    assert led.status_code == 302, led.content.decode()[:600]
    return client.get(_at_provider(led["Location"]))


def test_who_comes_is_added_with_the_roles_of_their_groups(provider: Provider) -> None:
    client = Client()
    led = client.get("/login/oidc/?next=/clusters/")["Location"]
    assert "code_challenge_method=S256" in led
    assert "nonce=" in led
    answer = client.get(_at_provider(led))
    assert answer["Location"] == "/clusters/"
    mei = User.objects.get(username="mei")
    assert set(roles_of(mei)) == {Role.ISSUER, Role.AUDITOR}
    assert not mei.has_usable_password()
    assert client.get("/certificates/").status_code == 200
    actions = list(Entry.objects.order_by("seq").values_list("action", flat=True))
    assert actions == ["person.came_by_provider", "person.grants_followed", "account.signed_in"]


def test_a_group_that_is_gone_takes_its_role_along(provider: Provider) -> None:
    _sign_in(Client())
    mei = User.objects.get(username="mei")
    mei.grants.create(
        role=Role.APPROVER, granted_by="ada", granted_at=mei.date_joined
    )  # by a person
    provider.says(claims={"groups": ["all"]})
    _sign_in(Client())
    assert set(roles_of(User.objects.get())) == {Role.AUDITOR, Role.APPROVER}
    told = Entry.objects.filter(action="person.grants_followed").latest("seq")
    assert told.detail["taken"] == "issuer"
    _sign_in(Client())
    assert Entry.objects.filter(action="person.grants_followed").count() == 2


@pytest.mark.parametrize("claims", [{}, {"groups": {"web": 1}}])
def test_who_has_no_mapped_group_is_told_so(provider: Provider, claims: dict[str, Any]) -> None:
    provider.says(claims=claims)
    client = Client()
    _sign_in(client, "/login/oidc/?next=/account/")
    assert roles_of(User.objects.get()) == ()
    page = client.get("/account/").content.decode()
    assert "None of your groups has a role here" in page


def test_a_role_may_be_limited_to_one_authority(provider: Provider, settings: Settings) -> None:
    one, other = make_authority("one-ca"), make_authority("other-ca")
    settings.OIDC_ROLES = [f"web=issuer@authority:{one.slug}", "all=operator@cluster:gone"]
    _sign_in(Client())
    mei = User.objects.get(username="mei")
    assert has_role(mei, Role.ISSUER, on=one.scope)
    assert not has_role(mei, Role.ISSUER, on=other.scope)
    assert mei.grants.count() == 1


def test_a_local_account_of_the_same_name_or_address_is_not_taken_over(
    provider: Provider, administrator: User
) -> None:
    User.objects.filter(pk=administrator.pk).update(username="Mei", email="x@example.com")
    _sign_in(Client())
    assert set(User.objects.values_list("username", flat=True)) == {"Mei", "mei-2"}
    assert not SocialAccount.objects.filter(user=administrator).exists()
    provider.says(name="another")
    _sign_in(Client())
    assert User.objects.count() == 2
    provider.says(who="second")
    _sign_in(Client())
    assert User.objects.filter(username="mei-3").exists()


PAST = 1_600_000_000
WRONG: dict[str, dict[str, Any]] = {
    "audience": {"spoil": {"aud": "another"}},
    "nonce": {"spoil": {"nonce": "another"}},
    "expired": {"spoil": {"exp": PAST}},
    "signature": {"forge": True},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_proves_nothing_lets_nobody_in(provider: Provider, what: str) -> None:
    provider.says(**WRONG[what])
    client = Client()
    answer = _sign_in(client)
    assert answer.status_code == 403
    assert "did not sign you in" in answer.content.decode()
    assert not User.objects.exists()
    assert client.get("/account/").status_code == 302
    assert Entry.objects.get().action == "account.provider_refused"


def test_an_answer_that_nobody_asked_for_is_refused(provider: Provider) -> None:
    client = Client()
    for query in ("", "code=1", "code=1&state=x", "error=access_denied&state=x"):
        assert client.get(f"/login/oidc/callback/?{query}").status_code == 403
    there = _at_provider(client.get("/login/oidc/")["Location"])
    assert Client().get(there).status_code == 403  # in another browser
    assert client.get(there).status_code == 302
    assert client.get(there).status_code == 403  # once


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:9/o", "https://127.0.0.1:9", "https://nowhere.invalid"]
)
def test_a_provider_that_is_down_is_said_in_words(
    provider: Provider, settings: Settings, issuer: str
) -> None:
    settings.OIDC_ISSUER = issuer
    answer = Client().get("/login/oidc/")
    assert answer.status_code == 502
    assert "Local accounts can sign in meanwhile" in answer.content.decode()


def test_where_the_portal_must_not_connect_it_does_not(
    provider: Provider, settings: Settings
) -> None:
    settings.EGRESS_DENY = ["127.0.0.0/8"]
    assert Client().get("/login/oidc/").status_code == 502


def test_another_issuer_at_the_address_is_refused(provider: Provider, settings: Settings) -> None:
    settings.OIDC_ISSUER = f"{provider.issuer}/.well-known/openid-configuration"
    assert Client().get("/login/oidc/").status_code == 403
    assert Entry.objects.get().detail == {"why": "OAuth2Error"}


def test_a_closed_account_does_not_come_in(provider: Provider) -> None:
    _sign_in(Client())
    User.objects.update(is_active=False)
    client = Client()
    assert _sign_in(client)["Location"] == "/login/"
    assert client.get("/account/").status_code == 302


def test_without_a_provider_there_is_no_door(db: None, settings: Settings) -> None:
    settings.OIDC_ISSUER = ""
    assert Client().get("/login/oidc/").status_code == 404
    assert Client().get("/login/oidc/callback/").status_code == 404
    assert "Sign in through" not in Client().get("/login/").content.decode()


def test_who_comes_through_the_provider_confirms_there_and_loses_nothing(
    provider: Provider, administrator: User
) -> None:
    provider.says(claims={"groups": ["admins"]})
    client = Client()
    _sign_in(client)
    session = client.session
    session[CONFIRMED_AT] = int(time.time()) - 3600
    session.save()
    asked = client.post(f"/people/{administrator.pk}/factors/", {"kept": "<k>"})
    assert "Confirm through single sign-on" in asked.content.decode()
    kept = {"path": f"/people/{administrator.pk}/factors/", "field:kept": "<k>"}
    assert "Go to" in client.post("/account/confirm/", kept).content.decode()
    provider.says(claims={"groups": ["admins"]}, spoil={"auth_time": PAST})
    assert _sign_in(client, "/account/confirm/provider/").status_code == 403
    provider.says(claims={"groups": ["admins"]})
    assert _sign_in(client, "/account/confirm/provider/")["Location"] == "/account/confirm/go-on/"
    page = client.get("/account/confirm/go-on/").content.decode()
    assert 'value="&lt;k&gt;"' in page
    assert client.post(f"/people/{administrator.pk}/factors/", {"kept": "<k>"}).status_code == 302


def test_another_person_at_the_provider_confirms_nothing(provider: Provider) -> None:
    client = Client()
    _sign_in(client)
    provider.says(who="second")
    assert _sign_in(client, "/account/confirm/provider/").status_code == 403


def test_what_is_kept_goes_to_a_page_of_ours_alone(provider: Provider, viewer: User) -> None:
    client = Client()
    _sign_in(client)
    for path in ("https://elsewhere.example/", "//elsewhere.example/", ""):
        assert client.post("/account/confirm/", {"path": path}).status_code == 409
    large = {"path": "/", "field:a": "x" * 200_001}
    assert client.post("/account/confirm/", large).status_code == 409
    local = Client()
    local.force_login(viewer)
    assert local.post("/account/confirm/", {"path": "/"}).status_code == 404
    assert local.get("/account/confirm/provider/").status_code == 404
    assert local.get("/account/confirm/go-on/")["Location"] == "/account/"


def test_the_break_glass_administrator_needs_no_provider(
    provider: Provider, settings: Settings, administrator: User
) -> None:
    settings.OIDC_ISSUER = "https://127.0.0.1:9"
    give_role(administrator, Role.ADMINISTRATOR)
    client = Client()
    client.post("/login/", {"username": "ada", "password": "correct horse battery"})
    assert client.get("/people/").status_code == 200
