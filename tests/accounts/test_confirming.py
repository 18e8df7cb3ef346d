"""Deeds of weight ask once more who sits there, and lose nothing of what was entered."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path

from aggportal.accounts.confirming import CONFIRMED_AT, confirmation_required
from aggportal.accounts.models import User
from aggportal.ledger.models import Entry
from aggportal.urls import urlpatterns as real

SignIn = Callable[[User], Client]
PASSWORD = "correct horse battery"


def _answer(request: HttpRequest) -> HttpResponse:
    files = {name: each[-1].read().decode() for name, each in request.FILES.lists()}
    return JsonResponse({"posted": dict(request.POST.lists()), "files": files})


urlpatterns = [
    *real,
    path("deed/", confirmation_required(_answer)),
    path("deeds/", confirmation_required(deeds=frozenset({"make"}))(_answer)),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.test_confirming")]


@pytest.fixture
def late(viewer: User, client_of: SignIn) -> Client:
    """Somebody who signed in six minutes ago."""
    client = client_of(viewer)
    session = client.session
    session[CONFIRMED_AT] = int(time.time()) - 360
    session.save()
    return client


def test_after_a_fresh_sign_in_nothing_is_asked(viewer: User, client_of: SignIn) -> None:
    answer = client_of(viewer).post("/deed/?a=1", {"name": ["x", "y"]})
    assert answer.json()["posted"] == {"name": ["x", "y"]}


def test_reading_is_never_asked(late: Client) -> None:
    assert late.get("/deed/").status_code == 200
    assert late.post("/deeds/", {"do": "look"}).status_code == 200
    assert late.post("/deeds/", {"do": "make"}).status_code == 403


def test_a_late_form_comes_back_with_all_that_was_entered(late: Client) -> None:
    answer = late.post("/deed/?a=1", {"name": ["x", "<y>\nz"], "empty": ""})
    page = answer.content.decode()
    assert (answer.status_code, answer["Cache-Control"]) == (403, "no-store")
    assert 'action="/deed/?a=1"' in page
    assert 'name="name" value="x"' in page
    assert 'name="name" value="&lt;y&gt;\nz"' in page
    assert 'name="empty" value=""' in page


def test_the_password_sends_it_on_and_does_not_reach_the_view(late: Client) -> None:
    answer = late.post("/deed/", {"name": "x", "proof_password": PASSWORD})
    assert answer.json()["posted"] == {"name": ["x"]}
    assert late.post("/deed/", {"name": "z"}).status_code == 200
    entry = Entry.objects.get(action="account.confirmed")
    assert (entry.actor_name, entry.outcome) == ("vera", "done")


def test_a_wrong_password_is_said_beside_the_field_and_recorded(late: Client) -> None:
    answer = late.post("/deed/", {"name": "x", "proof_password": "wrong one"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert 'aria-describedby="proof_password_error"' in page
    assert 'name="name" value="x"' in page
    assert "wrong one" not in page
    assert Entry.objects.filter(action="account.sign_in_failed", outcome="refused").count() == 1


def test_wrong_passwords_lock_out_here_too(late: Client) -> None:
    for _ in range(5):
        late.post("/deed/", {"proof_password": "wrong one"})
    answer = late.post("/deed/", {"proof_password": PASSWORD})
    assert answer.status_code == 403
    assert "Try again in 15 minutes" in answer.content.decode()
    assert Entry.objects.filter(action="account.locked_out").count() == 1


SECRETS = {
    "passphrase": "swordfish",
    "token": "eyJhbGciOi",
    "text": "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----",
    "kubeconfig": "apiVersion: v1\nusers: []\n",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_asked_for_again_and_not_shown(late: Client, name: str) -> None:
    page = late.post("/deed/", {name: SECRETS[name], "kept": "k"}).content.decode()
    assert SECRETS[name].splitlines()[0] not in page
    assert f'id="again-{name}"' in page
    again = f"{'text' if chr(10) in SECRETS[name] else 'line'}:{name}"
    assert f'name="proof_again" value="{again}"' in " ".join(page.split())
    proof = {"proof_again": again, "proof_password": PASSWORD, "kept": "k"}
    assert late.post("/deed/", proof).status_code == 403
    answer = late.post("/deed/", {**proof, name: SECRETS[name]})
    assert answer.json()["posted"] == {"kept": ["k"], name: [SECRETS[name]]}


def test_a_file_is_asked_for_again(late: Client) -> None:
    page = late.post("/deed/", {"file": SimpleUploadedFile("a.pem", b"abc"), "kept": "k"})
    text = " ".join(page.content.decode().split())
    assert 'enctype="multipart/form-data"' in text
    assert 'name="proof_again" value="file:file"' in text
    proof = {"proof_again": "file:file", "proof_password": PASSWORD, "kept": "k"}
    missing = late.post("/deed/", proof)
    assert missing.status_code == 403
    assert "Give this once more." in missing.content.decode()
    answer = late.post("/deed/", {**proof, "file": SimpleUploadedFile("a.pem", b"abc")})
    assert answer.json() == {"posted": {"kept": ["k"]}, "files": {"file": "abc"}}


def test_htmx_is_answered_with_a_page(late: Client) -> None:
    answer = late.post("/deed/", {"name": "x"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "body")
    assert "Confirm that it is you" in answer.content.decode()


def test_a_proof_from_the_future_is_none(late: Client) -> None:
    session = late.session
    session[CONFIRMED_AT] = int(time.time()) + 3600
    session.save()
    assert late.post("/deed/", {}).status_code == 403
