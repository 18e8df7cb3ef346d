"""Foreign certificates are read whole or refused with words, whatever the bytes."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from aggportal.pki.bundles import find_issuer, order_chain
from aggportal.pki.errors import InvalidCertificate, PkiError
from aggportal.pki.facts import common_name
from aggportal.pki.reading import (
    MAX_INPUT_BYTES,
    PrivateKeyFound,
    load_certificate,
    read_certificate,
    read_certificates,
)
from tests.pki.certificates_made import (
    CLIENT,
    NOW,
    SERVER,
    YEAR,
    authority,
    distinguished,
    make,
    proxy_client,
    serving,
)

CA = authority()
LEAF = make(
    "aggregator",
    by=CA,
    organizations=("k8s", "a, b"),
    hosts=("api.wardle.svc", "10.254.0.1"),
    extended=(SERVER, CLIENT),
)
PEM, DER = LEAF.facts.pem, LEAF.facts.der
BODY = "\n".join(PEM.splitlines()[1:-1])


def armoured(label: str, body: str = BODY) -> str:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def test_subject_and_issuer_are_readable_in_encoded_order():
    assert LEAF.facts.subject == r"O=k8s, O=a\, b, CN=aggregator"
    assert LEAF.facts.issuer == "CN=aggregator-ca"
    assert LEAF.facts.common_name == "aggregator"
    assert LEAF.facts.organizations == ("k8s", "a, b")


def test_names_and_usages_are_those_of_cfssl():
    facts = LEAF.facts
    assert facts.sans == (("dns", "api.wardle.svc"), ("ip", "10.254.0.1"))
    assert facts.names("ip") == ("10.254.0.1",)
    assert facts.key_usages == ("digital signature", "key encipherment")
    assert facts.extended_usages == ("server auth", "client auth")
    assert CA.facts.key_usages == ("cert sign", "crl sign")


def test_validity_is_aware_and_identifiers_fit_together():
    facts = LEAF.facts
    assert facts.not_after == NOW + YEAR
    assert facts.not_before.tzinfo is dt.UTC
    assert facts.aki == CA.facts.ski != facts.ski
    assert (facts.is_ca, CA.facts.is_ca) == (False, True)
    assert (facts.self_signed, CA.facts.self_signed) == (False, True)
    assert int(facts.serial, 16) == LEAF.certificate.serial_number
    assert len(facts.sha256) == len(facts.spki_sha256) == 64


def test_key_and_signature_are_named_as_people_do():
    key = rsa.generate_private_key(65537, 2048)
    builder = (
        x509.CertificateBuilder()
        .subject_name(distinguished("rsa"))
        .issuer_name(distinguished("rsa"))
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + YEAR)
    )
    plain = builder.public_key(key.public_key()).sign(key, hashes.SHA384())
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    modern = builder.public_key(key.public_key()).sign(key, hashes.SHA256(), rsa_padding=pss)
    edwards = ed25519.Ed25519PrivateKey.generate()
    small = builder.public_key(edwards.public_key()).sign(edwards, None)
    texts = [read_certificate(c.public_bytes(Encoding.DER)) for c in (plain, modern, small)]
    assert [(t.key, t.signature) for t in texts] == [
        ("RSA 2048", "RSA with SHA-384"),
        ("RSA 2048", "RSA-PSS with SHA-256"),
        ("Ed25519", "Ed25519"),
    ]
    assert LEAF.facts.key == "ECDSA P-256"


def test_kubernetes_and_we_read_the_last_common_name():
    attribute = x509.oid.NameOID.COMMON_NAME
    name = x509.Name([x509.NameAttribute(attribute, cn) for cn in ("first", "last")])
    assert common_name(name) == "last"


@pytest.mark.parametrize("data", [PEM, PEM.encode(), DER, f"\n  {PEM}\r\n".replace("\n", "\r\n")])
def test_pem_and_der_read_the_same(data: bytes | str):
    assert read_certificate(data) == LEAF.facts == read_certificates(data)[0]


def test_a_bundle_may_carry_the_comments_of_openssl():
    text = f"subject=CN=aggregator\n{PEM}\nissuer=…\n{CA.facts.pem}# end"
    assert read_certificates(text) == (LEAF.facts, CA.facts)


def test_facts_lead_back_to_the_certificate():
    assert load_certificate(LEAF.facts) == LEAF.certificate


NASTY: dict[str, bytes | str] = {
    "empty": "",
    "white": " \n\t ",
    "prose": "here is my certificate",
    "nul": "\0" * 100,
    "lone surrogate": "\ud800",
    "half": PEM[: len(PEM) // 2],
    "no end": PEM.replace("-----END CERTIFICATE-----", ""),
    "end first": "-----END CERTIFICATE-----\n" + PEM,
    "crossed labels": PEM.replace("END CERTIFICATE", "END CERTIFICATE REQUEST"),
    "request": armoured("CERTIFICATE REQUEST"),
    "trusted": armoured("TRUSTED CERTIFICATE"),
    "crl": armoured("X509 CRL"),
    "empty block": armoured("CERTIFICATE", ""),
    "not base64": armoured("CERTIFICATE", "*" * 64),
    "bad padding": armoured("CERTIFICATE", BODY.rstrip("=") + "A"),
    "headers": armoured("CERTIFICATE", "Proc-Type: 4,ENCRYPTED\n\n" + BODY),
    "nested": PEM.replace("-----END", PEM + "-----END"),
    "one block broken": PEM + armoured("CERTIFICATE", "AAAA"),
    "trailing der": DER + b"\0",
    "short der": DER[:-1],
    "pem of trailing": armoured("CERTIFICATE", base64.b64encode(DER + DER).decode()),
    "huge": b"\x30" + b"\0" * MAX_INPUT_BYTES,
    "huge claim": b"\x30\x84\xff\xff\xff\xff",
    "deep": b"\x30\x80" * 5000,
    "private key": LEAF.key_pem,
    "key behind": PEM + LEAF.key_pem,
    "encrypted key": PEM + armoured("ENCRYPTED PRIVATE KEY"),
    "fifty-one": PEM * 51,
    "utf-16": PEM.encode("utf-16"),
}


@pytest.mark.parametrize("data", NASTY.values(), ids=NASTY.keys())
def test_nasty_input_is_refused_with_words(data: bytes | str):
    for read in (read_certificate, read_certificates):
        with pytest.raises(PkiError) as refused:
            read(data, field="ca")
        assert refused.value.field == "ca"
        assert len(str(refused.value)) > 30


def test_a_private_key_among_certificates_is_named_as_such():
    for armour in ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"):
        with pytest.raises(PrivateKeyFound, match="private key"):
            read_certificates(PEM + armoured(armour))


@pytest.mark.parametrize("data", [PEM * 2, "note\n" + PEM, PEM + "x", PEM + CA.facts.pem])
def test_where_one_is_wanted_nothing_may_stand_around_it(data: str):
    with pytest.raises(InvalidCertificate):
        read_certificate(data)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(0, 255), st.booleans())
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_changed_byte_is_read_or_refused_but_never_worse(place: int, byte: int, cut: bool):
    mutated = DER[:place] + bytes([byte]) + (b"" if cut else DER[place + 1 :])
    try:
        facts = read_certificate(mutated)
    except PkiError:
        return
    assert facts.der == mutated


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_noise_is_refused(noise: bytes | str):
    with pytest.raises(PkiError):
        read_certificates(noise)


def test_a_bundle_is_ordered_by_who_signed_whom():
    middle = make("middle", by=CA, is_ca=True)
    leaf = proxy_client(middle)
    stranger = authority("stranger")
    shuffled = [CA.facts, stranger.facts, leaf.facts, middle.facts, leaf.facts]
    chain = order_chain(shuffled)
    assert chain.path == (leaf.facts, middle.facts, CA.facts)
    assert chain.others == (stranger.facts,)
    assert chain.is_complete
    assert not order_chain([leaf.facts, middle.facts]).is_complete
    assert order_chain([]).path == ()


def test_an_authority_of_the_same_name_is_not_taken_for_the_issuer():
    twin = authority("aggregator-ca")
    leaf = serving(CA)
    assert find_issuer(leaf.facts, [twin.facts]) is None
    assert find_issuer(leaf.facts, [twin.facts, CA.facts]) == CA.facts
    assert find_issuer(CA.facts, [twin.facts]) == CA.facts
