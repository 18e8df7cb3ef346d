"""The page that looks at anything: what it says, that it keeps nothing, and whom it lets in."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from aggportal.certs.models import SealedKey
from aggportal.certs.services.keys import open_key
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority, make_certificate
from tests.pki.certificates_made import authority, make, proxy_client, serving

pytestmark = pytest.mark.django_db

PAGE = "/inspect/"
PEM, PKCS8 = Encoding.PEM, PrivateFormat.PKCS8


def paste(client, text: str, **rest: object):
    return client.post(PAGE, {"text": text, **rest})


def drop(client, *contents: bytes, **rest: object):
    files = [SimpleUploadedFile(f"file{n}.der", body) for n, body in enumerate(contents)]
    return client.post(PAGE, {"upload": files, **rest})


def test_a_viewer_finds_the_page_in_the_bar(client_of, viewer):
    answer = client_of(viewer).get(PAGE)
    assert answer.status_code == 200
    assert f'href="{PAGE}" aria-current="page"' in answer.text
    assert "no-store" in answer["Cache-Control"]


def test_a_stranger_and_who_is_not_signed_in_do_not_enter(client_of, stranger):
    for method in ("get", "post"):
        assert getattr(client_of(stranger), method)(PAGE).status_code == 403
        assert getattr(Client(), method)(PAGE).status_code == 302


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client_of, viewer, method):
    assert getattr(client_of(viewer), method)(PAGE).status_code == 405


def test_without_the_token_nothing_is_looked_at(viewer):
    client = Client(enforce_csrf_checks=True)
    client.force_login(viewer)
    assert paste(client, authority().facts.pem).status_code == 403
    assert not Entry.objects.filter(action="inspection.made").exists()


def test_our_certificate_is_known_as_ours(client_of, viewer):
    ours = make_certificate(make_authority())
    text = paste(client_of(viewer), ours.material.pem).text
    assert "We issued it:" in text
    assert f'href="{ours.get_absolute_url()}"' in text
    assert "client auth (1.3.6.1.5.5.7.3.2)" in text


def test_our_revoked_certificate_is_said_to_be_revoked(client_of, viewer):
    ours = make_certificate(make_authority())
    for reason, words in (("keyCompromise", "It is revoked since"), ("certificateHold", "on hold")):
        ours.revoked_at, ours.revocation_reason = timezone.now(), reason
        ours.save()
        assert words in paste(client_of(viewer), ours.material.pem).text


def test_our_authority_is_known_as_ours(client_of, viewer):
    ours = make_authority()
    text = paste(client_of(viewer), ours.certificate_pem).text
    assert "It is the certificate of our authority" in text
    assert f'href="{ours.get_absolute_url()}"' in text


def test_a_stranger_s_certificate_is_not_ours(client_of, viewer):
    make_authority("aggregator-ca")
    text = paste(client_of(viewer), proxy_client(authority("aggregator-ca")).facts.pem).text
    assert "None of our authorities signed it" in text


def _below(ours, name: str, *, key, by_key, issuer: x509.Name, is_ca: bool = False):
    dates = x509.load_pem_x509_certificate(ours.certificate_pem.encode())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates.not_valid_before_utc)
        .not_valid_after(dates.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    )
    return builder.sign(by_key, hashes.SHA256())


def test_a_chain_leads_to_ours_through_what_was_given_too(client_of, viewer):
    ours = make_authority()
    own = open_key(SealedKey.objects.get(authority=ours), spki=ours.spki_sha256)
    top = x509.load_pem_x509_certificate(ours.certificate_pem.encode()).subject
    middle, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    between = _below(ours, "between", key=middle, by_key=own, issuer=top, is_ca=True)
    end = _below(ours, "end", key=leaf, by_key=middle, issuer=between.subject)
    both = end.public_bytes(PEM) + between.public_bytes(PEM)
    text = paste(client_of(viewer), both.decode()).text
    assert text.count("It chains to our authority") == 2
    assert "CN=between</span>." in text
    alone = paste(client_of(viewer), end.public_bytes(PEM).decode()).text
    assert "It chains to our authority" not in alone


def test_a_key_is_paired_with_what_it_fits_and_what_it_does_not(client_of, viewer):
    one, other = authority(), authority("other-ca")
    client, key = client_of(viewer), one.key_pem.encode()
    text = drop(client, key, one.facts.der, other.facts.der).text
    assert "It belongs to what was given too: Certificate aggregator-ca." in text
    assert "It does not belong" not in text
    text = drop(client, key, other.facts.der).text
    assert "It does not belong to what was given too: Certificate other-ca." in text


def test_the_key_of_a_certificate_of_ours_is_told(client_of, issuer):
    ours = make_certificate(make_authority())
    key = open_key(SealedKey.objects.get(certificate=ours), spki=ours.spki_sha256)
    der = key.private_bytes(Encoding.DER, PKCS8, NoEncryption())
    assert "Its key is that of a certificate that we issued" in drop(client_of(issuer), der).text


@pytest.mark.parametrize("form", [PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_of_a_private_key_only_the_public_half_is_shown(client_of, viewer, form, caplog):
    made = authority()
    pem = made.key.private_bytes(PEM, form, NoEncryption()).decode()
    answer = paste(client_of(viewer), pem)
    assert answer.status_code == 200
    assert "BEGIN PUBLIC KEY" in answer.text
    assert made.facts.spki_sha256 in answer.text
    number = f"{made.key.private_numbers().private_value:064x}"
    raw = answer.text.replace(":", "")
    assert "PRIVATE KEY-----" not in answer.text
    assert number not in raw
    assert pem.splitlines()[1] not in answer.text + caplog.text


def test_a_pkcs12_opens_with_its_passphrase_alone(client_of, viewer):
    made = proxy_client(authority())
    packed = pkcs12.serialize_key_and_certificates(
        b"proxy", made.key, made.certificate, None, BestAvailableEncryption(b"open sesame")
    )
    client = client_of(viewer)
    assert "Give it too" in drop(client, packed).text
    assert "does not open" in drop(client, packed, passphrase="wrong").text
    text = drop(client, packed, passphrase="open sesame").text
    assert "It belongs to what was given too: Certificate front-proxy-client." in text
    assert "open sesame" not in text


def test_what_was_sent_is_never_written_back_into_the_form(client_of, viewer):
    answer = paste(client_of(viewer), "secret words here", passphrase="sesame")
    assert answer.status_code == 200
    assert "it is not known what this is" in answer.text
    assert "secret words" not in answer.text
    assert "sesame" not in answer.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "There is nothing to look at"),
        ({"text": "  \n "}, "There is nothing to look at"),
        ({"text": "a\0b"}, "Null characters"),
        ({"text": "x" * (512 * 1024 + 1)}, "at most 524288 characters"),
        ({"upload": [SimpleUploadedFile(f"{n}", b"x") for n in range(11)]}, "at most 10"),
        ({"upload": [SimpleUploadedFile("x", b"x" * (512 * 1024 + 1))]}, "too large"),
        ({"upload": [SimpleUploadedFile("x", b"x" * 2_000_000)]}, "not looked at"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_in_words(client_of, viewer, data, words):
    answer = client_of(viewer).post(PAGE, data)
    assert answer.status_code == 422
    assert words in answer.text
    assert not Entry.objects.filter(action="inspection.made").exists()


def test_the_audit_has_that_somebody_inspected_and_not_what(client_of, viewer):
    paste(client_of(viewer), authority("a-secret-name").facts.pem)
    entry = Entry.objects.get(action="inspection.made")
    assert entry.actor_name == viewer.username
    assert (entry.object_id, entry.object_label, entry.detail) == ("", "", {})
    assert "a-secret-name" not in entry.canonical


def test_nothing_is_stored(client_of, viewer, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    key = authority().key_pem.encode()
    drop(client_of(viewer), key, b"x" * 400_000)
    assert not SealedKey.objects.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_would_deceive_is_spelled_out(client_of, viewer):
    made = make("<script>alert(1)</script>\u202eevil", hosts=("a.example",))
    text = paste(client_of(viewer), made.facts.pem).text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "\\u{202E}evil" in text


def test_a_revocation_list_of_ours_is_known_and_linted(client_of, viewer):
    ours = make_authority()
    own = open_key(SealedKey.objects.get(authority=ours), spki=ours.spki_sha256)
    certificate = x509.load_pem_x509_certificate(ours.certificate_pem.encode())
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(certificate.not_valid_before_utc)
        .next_update(certificate.not_valid_after_utc)
    )
    text = paste(
        client_of(viewer), builder.sign(own, hashes.SHA256()).public_bytes(PEM).decode()
    ).text
    assert "It was signed by our authority" in text
    assert "pkix.authority_key_identifier_missing" in text
    forged = builder.sign(authority().key, hashes.SHA256())
    text = paste(client_of(viewer), forged.public_bytes(PEM).decode()).text
    assert "None of our authorities signed it" in text


def test_findings_stand_with_their_source(client_of, viewer):
    made = serving(authority(), aki=False)
    text = paste(client_of(viewer), made.facts.pem).text
    assert "pkix.authority_key_identifier_extension_absent" in text
    assert "pkilint · " in text
