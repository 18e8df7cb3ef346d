"""Other forms of a certificate, and stores that other programs open."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from aggportal.pki.errors import InvalidField, KeyMismatch, PkiError
from aggportal.pki.exports import KEY_MODE, AuthorityKeyStays
from aggportal.pki.keystores import Encryption, Lock, certificate_forms, keystore, truststore
from aggportal.pki.reading import read_certificate, read_certificates
from tests.pki.certificates_made import AUTHORITY, NOW, Made, authority, make, proxy_client

CA = authority()
LEAF = proxy_client(CA)
MIDDLE = make("middle", by=CA, is_ca=True, usages=AUTHORITY)
LOWER = make("lower", by=MIDDLE, is_ca=True, usages=AUTHORITY)
PASSPHRASE = "correct horse"


def lock(**changes: object) -> Lock:
    asked = {
        "alias": "front-proxy",
        "passphrase": PASSPHRASE,
        "encryption": Encryption.MODERN,
        "now": NOW,
    }
    return Lock(**(asked | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("above", [(CA,), (MIDDLE, CA), (LOWER, MIDDLE, CA), (LOWER, MIDDLE)])
def test_chain_bundles_and_root_have_their_names_and_order(above: tuple[Made, ...]):
    chain = tuple(made.facts for made in above)
    files = certificate_forms("proxy", certificate=LEAF.facts, chain=chain)
    held = {file.name: [c.sha256 for c in read_certificates(file.body)] for file in files}
    upwards = [facts.sha256 for facts in chain]
    middle = [digest for digest in upwards if digest != CA.facts.sha256]
    expected = {
        "proxy.der": [LEAF.facts.sha256],
        "proxy-chain.pem": upwards,
        "proxy-bundle.pem": [LEAF.facts.sha256, *middle],
        "proxy-root.pem": [CA.facts.sha256],
        "proxy-full-bundle.pem": [LEAF.facts.sha256, *upwards],
    }
    if CA not in above:
        del expected["proxy-root.pem"]
    assert held == expected


def test_where_no_authority_is_known_there_is_der_alone():
    (der,) = certificate_forms("proxy", certificate=LEAF.facts, chain=())
    assert read_certificate(der.body).sha256 == LEAF.facts.sha256


@pytest.mark.parametrize("encryption", [Encryption.MODERN, Encryption.LEGACY])
def test_a_keystore_opens_with_its_passphrase_alone(encryption: Encryption):
    file = keystore(
        "proxy",
        certificate=LEAF.facts,
        key_pem=LEAF.key_pem,
        chain=(CA.facts,),
        lock=lock(encryption=encryption),
    )
    assert (file.name, file.mode) == ("proxy.p12", KEY_MODE)
    opened = pkcs12.load_pkcs12(file.body, PASSPHRASE.encode())
    assert isinstance(opened.key, ec.EllipticCurvePrivateKey)
    assert opened.key.private_numbers() == LEAF.key.private_numbers()
    assert opened.cert is not None
    assert opened.cert.friendly_name == b"front-proxy"
    assert [c.certificate for c in opened.additional_certs] == [CA.certificate]
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_pkcs12(file.body, b"something else")


def test_a_truststore_holds_authorities_and_no_key():
    file = truststore("proxy", authorities=(CA.facts,), lock=lock())
    opened = pkcs12.load_pkcs12(file.body, PASSPHRASE.encode())
    assert file.name == "proxy-truststore.p12"
    assert opened.key is None
    assert [c.certificate for c in opened.additional_certs] == [CA.certificate]


def test_the_key_of_an_authority_or_of_another_does_not_leave():
    with pytest.raises(AuthorityKeyStays):
        keystore("ca", certificate=CA.facts, key_pem=CA.key_pem, chain=(), lock=lock())
    with pytest.raises(KeyMismatch):
        keystore("proxy", certificate=LEAF.facts, key_pem=CA.key_pem, chain=(), lock=lock())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("passphrase", "short"),
        ("passphrase", "x" * 201),
        ("passphrase", "pässword"),
        ("passphrase", "pass\x00word"),
        ("alias", ""),
        ("alias", " a"),
        ("alias", "a\u202eb"),
        ("alias", "a" * 101),
    ],
)
def test_what_programs_would_disagree_about_is_refused(field: str, value: str):
    with pytest.raises(InvalidField) as refused:
        lock(**{field: value})
    assert refused.value.field == field


@pytest.mark.parametrize("base", ["../x", "", "-x", "a b"])
def test_an_unsafe_file_name_is_refused(base: str):
    with pytest.raises(PkiError):
        truststore(base, authorities=(CA.facts,), lock=lock())


def test_the_passphrase_is_in_no_repr():
    assert PASSPHRASE not in repr(lock())
