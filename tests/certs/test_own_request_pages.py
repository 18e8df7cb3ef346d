"""The pages of our own requests: who may, what is refused, what is shown."""

from __future__ import annotations

import json

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from aggportal.certs.models import Authority, Certificate, OwnRequest
from aggportal.pki.armour import MAX_INPUT_BYTES
from aggportal.pki.reading import read_certificate
from tests.certs.chains_made import answered, ask, ask_for_authority, outside
from tests.certs.makers import P256
from tests.pki.paths_made import name_of

pytestmark = pytest.mark.django_db
LIST, NEW, ANSWER = (reverse(f"certs:own_request_{name}") for name in ("list", "new", "answer"))
EMPTY = {"CN": "", "hosts": "", "key": "ecdsa-256", "serialnumber": ""}


def page(own, name="show"):
    return reverse(f"certs:own_request_{name}", args=[own.pk])


def sent(document, **rest):
    return {"base": "{}", "text": json.dumps(document), "do": "make", **rest}


def test_everybody_with_a_role_sees_the_list_and_one(client_of, viewer, stranger):
    own = ask()
    done = ask("done", hosts=("d.example.com",))
    client = client_of(viewer)
    assert "CN=web" in client.get(LIST).content.decode()
    shown = client.get(page(own)).content.decode()
    assert "BEGIN CERTIFICATE REQUEST" in shown
    assert page(own, "key") not in shown
    assert client.get(page(done)).status_code == 200
    for address in (LIST, page(own), page(own, "csr")):
        assert client_of(stranger).get(address).status_code == 403


@pytest.mark.parametrize("name", ["list", "new", "answer"])
def test_a_page_answers_its_own_methods_alone(client_of, issuer, name):
    client = client_of(issuer)
    assert client.get(reverse(f"certs:own_request_{name}")).status_code == 200
    assert client.delete(reverse(f"certs:own_request_{name}")).status_code == 405


def test_a_viewer_makes_answers_takes_and_drops_nothing(client_of, viewer):
    own, client = ask(), client_of(viewer)
    assert client.get(NEW).status_code == 403
    for address in (NEW, ANSWER, page(own, "key"), page(own, "drop")):
        assert client.post(address, {}).status_code == 403
    assert OwnRequest.objects.get().is_open


def test_an_issuer_makes_key_and_request_from_json_and_from_fields(client_of, issuer):
    client = client_of(issuer)
    document = {"CN": "web", "hosts": ["web.example.com"], "key": P256}
    made = client.post(NEW, sent(document, key_stays="on"))
    own = OwnRequest.objects.get()
    assert (made.status_code, made.url) == (302, own.get_absolute_url())
    assert (own.file_base, own.exportable) == ("web", False)
    fields = {**EMPTY, "CN": "typed", "hosts": "a.example.com\nb.example.com", "file_base": "mine"}
    fields |= {f"names-0-{key}": "" for key in ("C", "ST", "L", "O", "OU", "E")}
    assert client.post(NEW, {"base": "{}", "text": "{}", "do": "make", **fields}).status_code == 302
    own = OwnRequest.objects.get(file_base="mine")
    assert (own.file_base, own.subject) == ("mine", "CN=typed")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"CN": ""}, "subject"),
        ({"CN": "x", "hosts": ["host:80"]}, "Leave out the port"),
        ({"CN": "x", "key": {"algo": "rsa", "size": 1024}}, "must be one of"),
        ({"CN": "x", "ca": {"expiry": "1h"}}, "page for authorities"),
    ],
)
def test_what_cannot_be_asked_is_told_beside_its_field(client_of, issuer, document, words):
    answer = client_of(issuer).post(NEW, sent(document))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not OwnRequest.objects.exists()


def test_a_wrong_file_name_is_refused(client_of, issuer):
    answer = client_of(issuer).post(NEW, sent({"CN": "x"}, file_base="../x"))
    assert answer.status_code == 422


def test_the_panel_follows_and_buttons_change_the_page(client_of, issuer):
    client = client_of(issuer)
    followed = client.post(NEW, sent({"CN": "web", "hosts": ["a.svc"]}, do="follow"))
    assert "DNS a.svc" in followed.content.decode()
    added = client.post(NEW, sent({"CN": "web", "names": [{"O": "k8s"}]}, do="add-name"))
    assert "names-1-O" in added.content.decode()
    removed = client.post(NEW, sent({"CN": "web", "names": [{"O": "k8s"}]}, do="remove-name-0"))
    assert removed.status_code == 200
    assert client.post(NEW, {"base": "{}", "text": "nonsense", "do": "show"}).status_code == 422
    assert not OwnRequest.objects.exists()


@pytest.mark.parametrize("form", ["pem", "der"])
def test_an_answer_makes_a_certificate_whose_key_can_be_taken(client_of, issuer, form):
    own, client, ca = ask(), client_of(issuer), outside()
    text = answered(own.csr_pem, ca)
    der = SimpleUploadedFile("web.der", read_certificate(text).der)
    came = client.post(ANSWER, {"text": text} if form == "pem" else {"file": der})
    made = Certificate.objects.get()
    assert (came.status_code, came.url) == (302, made.get_absolute_url())
    shown = client.get(came.url).content.decode()
    assert "outside-root" in shown
    assert "signed elsewhere" in shown or "web-key.pem" in shown
    key = client.post(reverse("certs:certificate_file", args=[made.pk, "web-key.pem"]))
    assert b"PRIVATE KEY" in b"".join(key)
    assert "as asked" in client.get(page(own)).content.decode()


def test_names_that_came_back_otherwise_are_shown(client_of, issuer):
    own, client = ask(), client_of(issuer)
    text = answered(
        own.csr_pem, outside(), names=("other.example.com",), subject=name_of("else"), days=(-9, -1)
    )
    came = client.post(ANSWER, {"text": text})
    told = " ".join(str(message) for message in get_messages(came.wsgi_request))
    for piece in ("expired", "CN=else", "other.example.com"):
        assert piece in told
    assert "other.example.com" in client.get(page(own)).content.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Paste a certificate"),
        ({"text": "nonsense"}, "Neither PEM"),
        ({"text": "x" * (MAX_INPUT_BYTES + 1)}, "at most"),
        ({"file": SimpleUploadedFile("empty.pem", b"")}, "nothing in it"),
    ],
)
def test_what_is_no_answer_is_told(client_of, issuer, data, words):
    answer = client_of(issuer).post(ANSWER, data)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_strangers_certificate_is_refused_and_a_second_answer_conflicts(client_of, issuer):
    own, ca, client = ask(), outside(), client_of(issuer)
    assert client.post(ANSWER, {"text": ca.facts.pem}).status_code == 422
    text = answered(own.csr_pem, ca)
    assert client.post(ANSWER, {"text": text}).status_code == 302
    again = client.post(ANSWER, {"text": text})
    assert again.status_code == 409
    assert "came back before" in again.content.decode()
    both = {"text": text, "file": SimpleUploadedFile("x.pem", text.encode())}
    assert client.post(ANSWER, both).status_code == 422


def test_an_authority_that_comes_back_is_an_administrators_matter(client_of, issuer, administrator):
    ca = outside()
    text = answered(ask_for_authority().csr_pem, ca, ca=True) + ca.facts.pem
    assert client_of(issuer).post(ANSWER, {"text": text}).status_code == 403
    assert not Authority.objects.exists()
    came = client_of(administrator).post(ANSWER, {"text": text})
    assert came.status_code == 302
    assert client_of(issuer).get(came.url).status_code == 200


def test_csr_and_key_are_taken(client_of, issuer, administrator):
    own, client = ask(), client_of(issuer)
    assert client.get(page(own, "csr")).content.decode() == own.csr_pem
    assert client.get(page(own, "key")).status_code == 405
    assert b"PRIVATE KEY" in client.post(page(own, "key")).content
    kept = page(ask_for_authority(), "key")
    assert client.post(kept).status_code == 403
    assert client_of(administrator).post(kept).status_code == 409


def test_dropping_asks_for_the_name_and_happens_once(client_of, issuer, administrator):
    own, client = ask(), client_of(issuer)
    assert client.get(page(own, "drop")).status_code == 200
    assert client.post(page(own, "drop"), {"confirm": "wrong"}).status_code == 422
    assert client.post(page(own, "drop"), {"confirm": "web"}).url == LIST
    assert client.post(page(own, "drop"), {"confirm": "web"}).status_code == 404
    kept = ask_for_authority()
    assert client.post(page(kept, "drop"), {"confirm": "sub"}).status_code == 403
    assert client_of(administrator).post(page(kept, "drop"), {"confirm": "sub"}).status_code == 302


def test_one_that_was_answered_cannot_be_dropped(client_of, issuer):
    own, client = ask(), client_of(issuer)
    client.post(ANSWER, {"text": answered(own.csr_pem, outside())})
    assert client.post(page(own, "drop"), {"confirm": "web"}).status_code == 409
    assert page(own, "drop") not in client.get(page(own)).content.decode()
