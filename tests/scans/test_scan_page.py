"""The page Scan: whom it lets in, what it says, and what it puts on record."""

from __future__ import annotations

import datetime as dt
import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client
from django.utils import timezone

from aggportal.certs.models import Certificate
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.keys import private_key_pem
from tests.pki.certificates_made import authority, distinguished, make
from tests.scans.pages_used import PAGE, SERVICE, front_proxy, ours, outcomes, said, send
from tests.tls.servers import openssl_server, scripted

pytestmark = pytest.mark.django_db


def test_an_issuer_finds_the_page_in_the_bar(client_of, issuer):
    answer = client_of(issuer).get(PAGE)
    assert answer.status_code == 200
    assert f'href="{PAGE}" aria-current="page"' in answer.text
    assert "no-store" in answer["Cache-Control"]


def test_who_may_not_issue_does_not_make_the_portal_connect(
    client_of, viewer, stranger, nothing_is_connected
):
    for person in (viewer, stranger):
        assert client_of(person).get(PAGE).status_code == 403
        assert send(client_of(person), "127.0.0.1:6443").status_code == 403
    assert f'href="{PAGE}"' not in client_of(viewer).get("/inspect/").text
    assert send(Client(), "127.0.0.1:6443").status_code == 302
    assert outcomes() == []


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client_of, issuer, method):
    assert getattr(client_of(issuer), method)(PAGE).status_code == 405


def test_without_the_token_nothing_is_scanned(issuer, nothing_is_connected):
    client = Client(enforce_csrf_checks=True)
    client.force_login(issuer)
    assert send(client, "127.0.0.1:6443").status_code == 403
    assert outcomes() == []


def test_an_address_fills_the_form_and_scans_nothing(client_of, issuer, nothing_is_connected):
    text = client_of(issuer).get(PAGE, {"host": "https://api.example.com:6443/x"}).text
    assert 'value="api.example.com:6443"' in text
    for odd in ("\x00", "<script>", "127.1", "a" * 5000):
        assert client_of(issuer).get(PAGE, {"host": odd}).status_code == 200
    assert outcomes() == []


def test_our_certificate_is_known_as_ours_and_said_to_be_good(client_of, issuer, tmp_path):
    certificate, pair = ours()
    with openssl_server(tmp_path, pair) as port:
        answer = send(client_of(issuer), f"127.0.0.1:{port}", name=SERVICE)
    text = said(answer)
    assert answer.status_code == 200
    assert "We issued it:" in text
    assert f'href="{certificate.get_absolute_url()}"' in answer.text
    assert f"It holds for {SERVICE}." in text
    assert "It chains to our root “CN=serving-ca”" in text
    assert "asks for no client certificate" in text
    assert "TLS_AES_256_GCM_SHA384" in text


def test_the_ledger_knows_of_it_before_and_after(client_of, issuer, tmp_path):
    _, pair = ours()
    with openssl_server(tmp_path, pair) as port:
        send(client_of(issuer), f"localhost:{port}", name=SERVICE)
    before, after = Entry.objects.filter(action="endpoint.scanned").order_by("seq")
    assert (before.outcome, after.outcome) == (Outcome.INTENDED, Outcome.DONE)
    assert before.detail["host"] == "localhost"
    assert before.detail["port"] == port
    assert "127.0.0.1" in before.detail["to"]
    assert before.detail["sni"] == SERVICE
    assert after.detail["to"] == ["127.0.0.1"]
    assert after.object_label == f"localhost:{port}"


def test_the_audit_says_it_in_words(client_of, issuer, auditor, tmp_path):
    with scripted(lambda line: line.close()) as port:
        send(client_of(issuer), f"127.0.0.1:{port}")
    text = said(client_of(auditor).get("/audit/"))
    assert f"scanned the endpoint 127.0.0.1:{port}" in text
    entry = Entry.objects.filter(action="endpoint.scanned").latest("seq")
    assert client_of(auditor).get(f"/audit/{entry.seq}/").status_code == 200


def test_a_revoked_certificate_is_not_to_be_served(client_of, issuer, tmp_path):
    certificate, pair = ours()
    Certificate.objects.filter(pk=certificate.pk).update(
        revoked_at=timezone.now(), revocation_reason="keyCompromise"
    )
    with openssl_server(tmp_path, pair) as port:
        text = said(send(client_of(issuer), f"127.0.0.1:{port}", name=SERVICE))
    assert "We revoked “" in text
    assert "should not be served any more" in text


def test_a_wrong_name_is_explained(client_of, issuer, tmp_path):
    _, pair = ours()
    with openssl_server(tmp_path, pair) as port:
        text = said(send(client_of(issuer), f"127.0.0.1:{port}"))
    assert f"It does not hold for the address 127.0.0.1: it is for {SERVICE}." in text


def test_our_front_proxy_authority_is_known_among_those_asked_for(client_of, issuer, tmp_path):
    front = front_proxy()
    _, pair = ours()
    asked = front.certificate_pem
    with openssl_server(tmp_path, pair, "-verify", "3", asks_for=asked) as port:
        answer = send(client_of(issuer), f"127.0.0.1:{port}", name=SERVICE)
    assert "our front-proxy authority “front-proxy-ca”" in said(answer)
    assert f'href="{front.get_absolute_url()}"' in answer.text


def test_asking_for_others_than_our_front_proxy_is_doubtful(client_of, issuer, tmp_path):
    front_proxy()
    _, pair = ours()
    asked = (authority("kubernetes-ca"),)
    with openssl_server(tmp_path, pair, "-verify", "3", asks_for=asked) as port:
        text = said(send(client_of(issuer), f"127.0.0.1:{port}", name=SERVICE))
    assert "None of our front-proxy authorities is among the CAs" in text
    assert "CN=kubernetes-ca" in text


def test_an_authority_of_the_same_name_in_other_bytes_is_not_ours(client_of, issuer, tmp_path):
    """Go compares the bytes of the names: cfssl's PrintableString is not a UTF8String."""
    front_proxy()
    _, pair = ours()
    asked = (authority("front-proxy-ca"),)
    with openssl_server(tmp_path, pair, "-verify", "3", asks_for=asked) as port:
        text = said(send(client_of(issuer), f"127.0.0.1:{port}", name=SERVICE))
    assert "None of our front-proxy authorities is among the CAs" in text


def test_a_chain_of_strangers_is_none_of_ours(client_of, issuer, tmp_path):
    root = authority("their-ca")
    own = make("x.example", by=root, hosts=("x.example",), until=timezone.now() + dt.timedelta(9))
    with openssl_server(tmp_path, own) as port:
        answer = send(client_of(issuer), f"127.0.0.1:{port}", name="x.example")
    text = said(answer)
    assert "None of our authorities signed it" in text
    assert "signed by “CN=their-ca”, which is none of ours" in text
    assert "It expires in 8 days" in text
    assert "asks no foreign CRL or OCSP server" in text


def test_what_is_no_tls_is_an_answer_too(client_of, issuer):
    with scripted(lambda line: line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        answer = send(client_of(issuer), f"127.0.0.1:{port}")
    assert answer.status_code == 200
    assert "It speaks plain HTTP there" in said(answer)
    assert outcomes() == ["intended", "failed"]


def test_a_name_that_nobody_knows_is_an_answer_too(client_of, issuer, monkeypatch):
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = send(client_of(issuer), "no-such-host.invalid")
    assert answer.status_code == 200
    assert "no-such-host.invalid has no address" in said(answer)
    assert outcomes() == ["refused"]


def test_a_certificate_that_cannot_be_read_is_an_answer_too(client_of, issuer, tmp_path):
    """Its SAN is no SAN: OpenSSL serves it, nobody can read it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), distinguished("x.example")
    odd = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x05\x00")
    now = timezone.now()
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + dt.timedelta(1))
    own = built.add_extension(odd, critical=False).sign(key, hashes.SHA256())
    pair = (own.public_bytes(Encoding.PEM).decode(), private_key_pem(key))
    with openssl_server(tmp_path, pair) as port:
        answer = send(client_of(issuer), f"127.0.0.1:{port}", name="x.example")
    text = said(answer)
    assert answer.status_code == 200
    assert "Number 1 of the chain cannot be read" in text
    assert "TLS_AES_256_GCM_SHA384" in text


def test_hostile_names_are_shown_and_not_obeyed(client_of, issuer, tmp_path):
    evil = '<script>alert("x")</script>\u202e'
    own = make(evil, hosts=("x.example",), organizations=(evil,))
    with openssl_server(tmp_path, own, "-verify", "1", asks_for=(authority(evil),)) as port:
        text = send(client_of(issuer), f"127.0.0.1:{port}", name="x.example").text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "\\u{202E}" in text
