"""OpenSSL as a client of lists and answers, over real HTTP; pkilint on the same bytes."""

from __future__ import annotations

import subprocess
import urllib.request
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Kind, Lane, Mode, Reason
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.revoking import (
    RevocationChoices,
    release_certificate,
    revoke_certificates,
)
from aggportal.pki.linting import LintFinding, lint_answer, lint_certificate, lint_revocations
from aggportal.pki.requests import load_request_spec
from tests.certs.makers import ANA, make_authority, make_certificate, preset_config
from tests.certs.status_asked import NONCE, issuer_of, loaded, post, question

pytestmark = [pytest.mark.interop, pytest.mark.django_db(transaction=True)]
KEYS = {
    "ecdsa-256": {"algo": "ecdsa", "size": 256},
    "ecdsa-384": {"algo": "ecdsa", "size": 384},
    "ecdsa-521": {"algo": "ecdsa", "size": 521},
    "rsa-2048": {"algo": "rsa", "size": 2048},
    "rsa-3072": {"algo": "rsa", "size": 3072},
    "rsa-4096": {"algo": "rsa", "size": 4096},
    "ed25519": {"algo": "ed25519"},
}


@pytest.fixture(params=KEYS)
def authority(request, db) -> Authority:
    spec = load_request_spec({"CN": "ca", "names": [{"O": "x"}], "key": KEYS[request.param]})
    choices = AuthorityChoices(
        label="ca",
        slug="ca",
        lane=Lane.GENERAL,
        mode=Mode.STRICT,
        file_base="ca",
        signing_config=preset_config("front-proxy-client"),
    )
    return create_authority(spec, choices, by=ANA, now=timezone.now())


@pytest.fixture
def good(authority) -> Certificate:
    return make_certificate(authority, "good")


def revoked(certificate: Certificate, reason: Reason) -> Certificate:
    choices = RevocationChoices(reason=reason, invalid_since=timezone.now())
    revoke_certificates([certificate.pk], choices, by=ANA, now=timezone.now())
    return certificate


def openssl(*arguments: object) -> str:
    """What openssl says on both channels, its status at the end."""
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    return f"{done.stdout}{done.stderr}\nstatus {done.returncode}"


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310  # our own server
        return answer.read()


@pytest.fixture
def files(authority, tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_text(authority.certificate_pem)
    return tmp_path


def pem_of(certificate: Certificate, files: Path) -> Path:
    path = files / f"{certificate.file_base}.pem"
    path.write_text(certificate.material.pem)
    return path


def asked(server, files: Path, certificate: Certificate, *options: str) -> str:
    """Ask about a certificate as openssl does, and have the answer's signature checked."""
    url, ca = f"{server.url}/pki/ca/ocsp", files / "ca.pem"
    leaf = pem_of(certificate, files)
    return openssl(
        "ocsp", *options, "-issuer", ca, "-cert", leaf, "-url", url, "-CAfile", ca, "-timeout", 20
    )


def test_openssl_checks_the_list_and_refuses_what_is_on_it(
    live_server, authority, good, files
) -> None:
    bad = revoked(make_certificate(authority, "bad"), Reason.KEY_COMPROMISE)
    crl, ca = files / "ca.crl", files / "ca.pem"
    crl.write_bytes(fetched(f"{live_server.url}/pki/ca.crl"))
    verified = openssl("crl", "-inform", "DER", "-in", crl, "-CAfile", ca, "-text")
    assert "verify OK" in verified
    for words in ("X509v3 CRL Number", "Key Compromise", "Invalidity Date", bad.serial.upper()):
        assert words.lstrip("0") in verified
    check = ("verify", "-x509_strict", "-crl_check", "-CAfile", ca, "-CRLfile", crl)
    assert "status 0" in openssl(*check, pem_of(good, files))
    assert "certificate revoked" in openssl(*check, pem_of(bad, files))


OPTIONS = ((), ("-no_nonce",), ("-sha256",), ("-no_nonce", "-sha256"))
ONE_KEY = pytest.mark.parametrize("authority", ["ecdsa-256"], indirect=True)


def test_openssl_asks_and_believes_the_answers(live_server, authority, good, files) -> None:
    for options in OPTIONS:
        said = asked(live_server, files, good, *options)
        assert "Response verify OK" in said
        assert "good.pem: good" in said
        assert "WARNING" not in said  # of a nonce that did not come back
    revoked(good, Reason.HOLD)
    for options in OPTIONS:
        held = asked(live_server, files, good, *options)
        assert "Response verify OK" in held
        assert "good.pem: revoked" in held
        assert "Reason: certificateHold" in held
    release_certificate(good, by=ANA, now=timezone.now())
    for options in OPTIONS:
        assert "good.pem: good" in asked(live_server, files, good, *options)


@ONE_KEY
def test_openssl_is_told_of_serials_that_we_never_gave(live_server, authority, good, files) -> None:
    url, ca = f"{live_server.url}/pki/ca/ocsp", files / "ca.pem"
    said = openssl("ocsp", "-issuer", ca, "-serial", "0x77", "-url", url, "-CAfile", ca)
    assert "Response verify OK" in said
    assert "0x77: unknown" in said


@ONE_KEY
def test_openssl_is_told_that_strangers_are_not_ours(live_server, authority, good, files) -> None:
    other = make_certificate(make_authority("other"), "stranger")
    (files / "other-ca.pem").write_text(issuer_of(other).certificate_pem)
    url = f"{live_server.url}/pki/ca/ocsp"
    leaf, issuer = pem_of(other, files), files / "other-ca.pem"
    said = openssl("ocsp", "-issuer", issuer, "-cert", leaf, "-url", url, "-CAfile", issuer)
    assert "unauthorized (6)" in said


def test_an_answer_by_get_is_believed_too(live_server, authority, good, files) -> None:
    path = quote(b64encode(question(good)).decode(), safe="")
    answer = files / "answer.der"
    answer.write_bytes(fetched(f"{live_server.url}/pki/ca/ocsp/{path}"))
    ca, leaf = files / "ca.pem", pem_of(good, files)
    said = openssl("ocsp", "-respin", answer, "-issuer", ca, "-cert", leaf, "-CAfile", ca)
    assert "Response verify OK" in said
    assert "good.pem: good" in said


def faults(findings: tuple[LintFinding, ...]) -> list[str]:
    return [f"{one.severity} {one.code} {one.message}" for one in findings if one.is_fault]


def test_pkilint_finds_no_error_in_what_is_published(live_server, authority, good) -> None:
    bad = revoked(make_certificate(authority, "bad"), Reason.KEY_COMPROMISE)
    plain = revoked(make_certificate(authority, "plain"), Reason.UNSPECIFIED)
    assert faults(lint_revocations(fetched(f"{live_server.url}/pki/ca.crl"))) == []
    for certificate in (good, bad, plain):
        for nonce in (None, NONCE):
            answer = post(authority, question(certificate, nonce=nonce)).content
            assert faults(lint_answer(answer)) == []
    assert faults(lint_answer(post(authority, question(good, serial=7)).content)) == []
    responder = loaded(Certificate.objects.get(kind=Kind.RESPONDER))
    der = responder.public_bytes(Encoding.DER)
    assert faults(lint_certificate(der)) == []
