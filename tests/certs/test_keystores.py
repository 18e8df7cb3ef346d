"""Taking a certificate in other forms through the pages, and keys that never leave."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from django.utils import timezone

from aggportal.certs.models import Certificate
from aggportal.certs.services.files import KeyStays, take_key
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.ledger.models import Entry
from aggportal.pki.reading import read_certificates
from aggportal.pki.requests import load_request_spec
from tests.certs.makers import ANA, P256, make_authority, make_certificate
from tests.certs.pages_used import file_of, page_of, send, typed

pytestmark = pytest.mark.django_db

PASSPHRASE = "correct horse battery"
FORM = {"alias": "proxy", "encryption": "modern", "passphrase": PASSPHRASE, "again": PASSPHRASE}
NAME = "front-proxy-client"


@pytest.fixture
def certificate(db) -> Certificate:
    return make_certificate(make_authority())


@pytest.fixture
def kept(db) -> Certificate:
    """A certificate whose key was marked as never leaving."""
    spec = load_request_spec({"CN": "kept", "key": P256})
    choices = IssueChoices(
        profile=NAME, file_base="kept", end_with_authority=True, exportable=False
    )
    return issue_certificate(make_authority(), spec, choices, by=ANA, now=timezone.now())


def form_of(certificate: Certificate, name: str) -> str:
    return f"{page_of(certificate)}forms/{name}"


def taken() -> list[str]:
    entries = Entry.objects.filter(action="certificate.key_taken").order_by("seq")
    return [entry.detail["how"] for entry in entries]


@pytest.mark.parametrize(
    ("name", "count", "kind"),
    [
        (f"{NAME}.der", 1, "application/pkix-cert"),
        (f"{NAME}-chain.pem", 1, "application/x-pem-file"),
        (f"{NAME}-bundle.pem", 1, "application/x-pem-file"),
        (f"{NAME}-root.pem", 1, "application/x-pem-file"),
        (f"{NAME}-full-bundle.pem", 2, "application/x-pem-file"),
    ],
)
def test_a_viewer_takes_the_other_forms(client_of, viewer, certificate, name, count, kind):
    answer = client_of(viewer).get(form_of(certificate, name))
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["Content-Type"] == kind
    assert len(read_certificates(answer.content)) == count


def test_there_are_no_other_forms(client_of, administrator, certificate):
    client = client_of(administrator)
    assert client.get(form_of(certificate, f"{NAME}-key.pem")).status_code == 404
    assert client.post(form_of(certificate, f"{NAME}.der")).status_code == 405


@pytest.mark.parametrize("encryption", ["modern", "legacy"])
def test_an_issuer_takes_a_keystore_each_time_recorded(client_of, issuer, certificate, encryption):
    client = client_of(issuer)
    for _ in range(2):
        answer = client.post(page_of(certificate, "keystore"), FORM | {"encryption": encryption})
    opened = pkcs12.load_pkcs12(answer.content, PASSPHRASE.encode())
    assert opened.cert is not None
    assert opened.cert.friendly_name == b"proxy"
    assert answer["Content-Disposition"] == f'attachment; filename="{NAME}.p12"'
    assert "no-store" in answer["Cache-Control"]
    assert taken() == ["keystore", "keystore"]
    assert not Entry.objects.filter(canonical__contains=PASSPHRASE).exists()


def test_a_viewer_takes_the_truststore_and_no_keystore(client_of, viewer, certificate):
    client = client_of(viewer)
    answer = client.post(page_of(certificate, "truststore"), FORM)
    assert pkcs12.load_pkcs12(answer.content, PASSPHRASE.encode()).key is None
    assert client.post(page_of(certificate, "keystore"), FORM).status_code == 403
    assert taken() == []


def test_a_stranger_takes_nothing(client_of, stranger, certificate):
    client = client_of(stranger)
    assert client.get(form_of(certificate, f"{NAME}.der")).status_code == 403
    for name in ("keystore", "truststore"):
        assert client.post(page_of(certificate, name), FORM).status_code == 403


@pytest.mark.parametrize("name", ["keystore", "truststore"])
def test_a_link_takes_no_store(client_of, issuer, certificate, name):
    assert client_of(issuer).get(page_of(certificate, name), FORM).status_code == 405


@pytest.mark.parametrize("name", ["keystore", "truststore"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"again": "another passphrase"}, "The two passphrases differ"),
        ({"passphrase": "short", "again": "short"}, "must have 8 to 200 characters"),
        ({"passphrase": "", "again": ""}, "This field is required"),
        ({"passphrase": "pässword", "again": "pässword"}, "ASCII only"),
        ({"encryption": "rot13"}, "Select a valid choice"),
        ({"alias": "a\u202eb"}, "visible characters"),
    ],
)
def test_a_wrong_form_lets_no_key_out(client_of, issuer, certificate, name, wrong, words):
    answer = client_of(issuer).post(page_of(certificate, name), FORM | wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert PASSPHRASE not in answer.text
    assert taken() == []


def test_a_key_that_stays_leaves_in_no_form(client_of, administrator, kept):
    client = client_of(administrator)
    secret = {"name": "kept", "namespace": "default"}
    for address, data in (
        (file_of(kept, "kept-key.pem"), {}),
        (page_of(kept, "bundle"), {}),
        (page_of(kept, "secret"), secret),
        (page_of(kept, "keystore"), FORM),
    ):
        answer = client.post(address, data)
        assert answer.status_code == 409 if data is not secret else 422
        assert "PRIVATE KEY-----" not in answer.text
    assert taken() == []
    with pytest.raises(KeyStays):
        take_key(kept, how="file", by=ANA, now=timezone.now())


def test_the_page_of_a_key_that_stays_offers_what_is_public(client_of, administrator, kept):
    client = client_of(administrator)
    text = client.get(page_of(kept)).text
    for name in ("bundle", "keystore"):
        assert page_of(kept, name) not in text
    assert "marked as never leaving" in text
    assert client.post(page_of(kept, "truststore"), FORM).status_code == 200


def test_that_a_key_stays_is_chosen_when_issuing(client_of, issuer):
    authority = make_authority()
    client = client_of(issuer)
    assert send(client, typed(authority, CN="a", key_stays="on")).status_code == 302
    assert send(client, typed(authority, CN="b")).status_code == 302
    a, b = Certificate.objects.order_by("pk")
    assert (a.exportable, b.exportable) == (False, True)
    entry = Entry.objects.get(
        action="certificate.issued", object_id=str(a.pk), outcome="done", object_kind="certificate"
    )
    assert entry.detail["exportable"] is False
