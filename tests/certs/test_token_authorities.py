"""Authorities whose key was made in a token: everything works, and the key never leaves it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.certs.models import Authority, KeyHome, Lane, Mode, SealedKey
from aggportal.certs.services.authorities import SlugTaken, create_authority, slug_taken
from aggportal.certs.services.authority_renewing import renew_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.crls import publish_crl
from aggportal.certs.services.intermediates import create_intermediate
from aggportal.certs.services.own_requests import create_authority_request
from aggportal.certs.services.responders import responder_of
from aggportal.certs.services.signers import new_authority_key
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.errors import InvalidField
from aggportal.pki.keys import KeySpec, private_key_der, private_key_pem
from aggportal.pki.requests import load_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.vault import tokens
from aggportal.vault.tokens import StaysInToken, TokenGone
from tests.certs.makers import ANA, P256, make_certificate, open_authority_key, preset_config
from tests.certs.token_made import LABEL, PIN, softhsm, token

__all__ = ["softhsm", "token"]
pytestmark = pytest.mark.django_db
RSA = {"algo": "rsa", "size": 2048}
P384 = {"algo": "ecdsa", "size": 384}


def choices(name: str, **rest: Any) -> AuthorityChoices:
    return AuthorityChoices(
        label=name,
        slug=name,
        lane=Lane.GENERAL,
        mode=Mode.STRICT,
        file_base=name,
        signing_config=preset_config("front-proxy-client"),
        key_home=KeyHome.TOKEN,
        **rest,
    )


def spec(name: str, key: dict[str, object] = P256) -> RequestSpec:
    return load_request_spec({"CN": name, "key": key, "ca": {"expiry": "87600h"}})


def made(name: str = "hsm", key: dict[str, object] = P256) -> Authority:
    return create_authority(spec(name, key), choices(name), by=ANA, now=timezone.now())


def certificate_of(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.certificate_pem.encode())


def listed() -> str:
    """What the token's own tool says of everything in it."""
    import pkcs11

    with tokens._LOCK:
        session = tokens._session(pkcs11)
        return " ".join(str(found) for found in session.get_objects())


@pytest.mark.parametrize("key", [P256, P384, RSA], ids=str)
def test_it_signs_certificates_lists_and_responders(token: Any, key: dict[str, object]) -> None:
    authority = made(key=key)
    own = certificate_of(authority)
    own.verify_directly_issued_by(own)
    leaf = make_certificate(authority)
    x509.load_pem_x509_certificate(leaf.material.pem.encode()).verify_directly_issued_by(own)
    crl = publish_crl(authority, by=ANA, now=timezone.now())
    public = own.public_key()
    assert isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    assert x509.load_der_x509_crl(bytes(crl.der)).is_signature_valid(public)
    responder = responder_of(authority, now=timezone.now())
    x509.load_pem_x509_certificate(responder.material.pem.encode()).verify_directly_issued_by(own)


def test_openssl_agrees(token: Any, tmp_path: Path) -> None:
    authority = made(key=RSA)
    (tmp_path / "ca.pem").write_text(authority.certificate_pem)
    (tmp_path / "leaf.pem").write_text(make_certificate(authority).material.pem)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", "leaf.pem"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout.strip() == "leaf.pem: OK", ran.stderr


def test_it_signs_authorities_below_it_and_is_renewed(token: Any) -> None:
    authority = made()
    below = create_intermediate(
        spec("below"), choices("below"), parent=authority, by=ANA, now=timezone.now()
    )
    certificate_of(below).verify_directly_issued_by(certificate_of(authority))
    seen = authority.fingerprint_sha256
    renewed = renew_authority(authority, life=None, seen=seen, by=ANA, now=timezone.now())
    certificate_of(renewed).verify_directly_issued_by(certificate_of(renewed))
    assert below.key.home == renewed.key.home == KeyHome.TOKEN


def test_a_request_to_an_outside_ca_is_signed_in_the_token(token: Any) -> None:
    own = create_authority_request(spec("asked"), choices("asked"), by=ANA, now=timezone.now())
    assert x509.load_pem_x509_csr(own.csr_pem.encode()).is_signature_valid
    assert own.key.home == KeyHome.TOKEN


@pytest.mark.parametrize("key", [P256, RSA], ids=str)
def test_the_key_cannot_be_taken(token: Any, key: dict[str, object]) -> None:
    held = open_authority_key(made(key=key))
    takes: list[Callable[[Any], object]] = [
        private_key_pem,
        private_key_der,
        lambda key: key.private_numbers(),
    ]
    for take in takes:
        with pytest.raises(StaysInToken, match="cannot leave it"):
            take(held)


@pytest.mark.parametrize("key", [P256, P384, RSA], ids=str)
def test_the_token_itself_refuses_to_show_it(token: Any, key: dict[str, object]) -> None:
    import pkcs11

    authority = made(key=key)
    where = open_authority_key(authority).where  # type: ignore[union-attr]  # a token's
    with tokens._LOCK:
        found = tokens._private(pkcs11, tokens._session(pkcs11), where)
        facts = [found[getattr(pkcs11.Attribute, name)] for name in ("SENSITIVE", "EXTRACTABLE")]
        assert facts == [True, False]
        secret = pkcs11.Attribute.PRIVATE_EXPONENT if key is RSA else pkcs11.Attribute.VALUE
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            found[secret]


def test_the_database_holds_only_where_the_key_lies(token: Any) -> None:
    authority = made()
    assert set(authority.key.open().decode()) < set('{}":, abcdefghijklmnopqrstuvwxyz0123456789')
    assert len(authority.key.open()) < 100
    other = make_certificate(authority).key
    assert other is not None
    SealedKey.objects.filter(pk=other.pk).update(purpose="authority-token-key")
    assert SealedKey.objects.get(pk=other.pk).home == KeyHome.TOKEN


@pytest.mark.parametrize("key", [{"algo": "ed25519", "size": 0}, {"algo": "ecdsa", "size": 521}])
def test_what_the_token_does_not_make_is_refused_beside_the_choice(
    token: Any, key: dict[str, object]
) -> None:
    with pytest.raises(InvalidField) as caught:
        made(key=key)
    assert caught.value.field == "key_home"


def fail_with_a_key(label: str) -> None:
    with new_authority_key(KeySpec(), home=KeyHome.TOKEN, label=label):
        assert label in listed()
        raise slug_taken(label)


def test_a_key_whose_authority_came_to_nothing_is_destroyed(token: Any) -> None:
    made("first")
    before = listed()
    with pytest.raises(SlugTaken):
        fail_with_a_key("never")
    assert listed() == before


@pytest.mark.parametrize(("name", "value"), [("TOKEN", "unplugged"), ("PIN", "9999")])
def test_a_token_that_is_gone_signs_nothing_and_is_said(
    token: Any, name: str, value: str, viewer: User, client_of: Callable[[User], Client]
) -> None:
    authority = made()
    setattr(token, f"PKCS11_{name}", value)
    with pytest.raises(TokenGone, match="does not answer"):
        make_certificate(authority)
    assert Entry.objects.filter(action="certificate.issued", outcome=Outcome.FAILED).count() == 1
    answer = client_of(viewer).get("/")
    assert answer.status_code == 200
    assert "does not answer" in answer.content.decode()
    assert Client().get("/readyz").json()["signing"] == "partly"
    token.PKCS11_TOKEN, token.PKCS11_PIN = LABEL, PIN
    assert make_certificate(authority)


def test_a_refused_pin_is_not_tried_again(token: Any) -> None:
    authority = made()
    token.PKCS11_PIN = "0000"
    for _ in range(20):  # a token would have locked itself by now
        with pytest.raises(TokenGone):
            make_certificate(authority)
    assert len([wanted for wanted in tokens._REFUSED_PINS if wanted[2] == "0000"]) == 1


def test_a_key_that_cannot_leave_is_not_promised_to_cert_manager(token: Any) -> None:
    parent = made()
    chosen = choices("below", key_may_leave=True)
    with pytest.raises(InvalidField, match="cannot leave it"):
        create_intermediate(spec("below"), chosen, parent=parent, by=ANA, now=timezone.now())


def test_the_page_offers_the_token_only_where_there_is_one(
    token: Any, administrator: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(administrator)
    assert "Where its key lives" in client.get("/authorities/new/").content.decode()
    token.PKCS11_MODULE = ""
    assert "Where its key lives" not in client.get("/authorities/new/").content.decode()
    data = {"do": "create", "label": "x", "lane": "general", "mode": "strict", "key_home": "token"}
    assert client.post("/authorities/new/", data).status_code == 422
    assert not Authority.objects.exists()


def test_the_authoritys_page_says_where_its_key_lives(
    token: Any, viewer: User, client_of: Callable[[User], Client]
) -> None:
    page = client_of(viewer).get(made().get_absolute_url()).content.decode()
    assert "in a token (PKCS#11), which it never leaves" in page


def test_only_signatures_of_the_portals_kind_are_asked_of_it(token: Any) -> None:
    from cryptography.hazmat.primitives import hashes

    held = open_authority_key(made(key=RSA))
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    with pytest.raises(StaysInToken):
        held.sign(b"data", pss, hashes.SHA256())  # type: ignore[call-arg, arg-type]  # RSA
