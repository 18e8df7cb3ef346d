"""What is this? Every kind is known however it comes, explained, and costs no more than it may."""

from __future__ import annotations

import base64
import datetime as dt
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aggportal.pki.armour import MAX_PIECES, NothingFound
from aggportal.pki.errors import PkiError
from aggportal.pki.inspected import ExtensionWords, Inspection, Kind, Row, Thing
from aggportal.pki.inspecting import MAX_INPUT_BYTES, MAX_THINGS, Given, inspect
from aggportal.pki.keystores import Encryption, Lock, keystore
from tests.pki import der_made
from tests.pki.certificates_made import NOW, YEAR, authority, distinguished, make, serving

CA = authority()
LEAF = serving(CA)
PEM, DER = Encoding.PEM, Encoding.DER
PKCS8 = PrivateFormat.PKCS8


def look(*data: bytes, passphrase: str = "", now: dt.datetime = NOW) -> Inspection:
    return inspect([Given(data=one) for one in data], passphrase=passphrase, now=now)


def one(data: bytes, **rest: object) -> Thing:
    (thing,) = look(data, **rest).things  # type: ignore[arg-type]
    return thing


def said(thing: Thing) -> str:
    rows: list[Row | ExtensionWords]
    rows = [*thing.rows, *thing.fingerprints, *thing.extensions]
    words = [f"{row.name}: {' | '.join(map(str, row.values))} {row.meaning or ''}" for row in rows]
    return "\n".join([str(thing.refused or ""), *words])


def csr(password: bool = False) -> x509.CertificateSigningRequest:
    builder = x509.CertificateSigningRequestBuilder().subject_name(distinguished("asked"))
    names = x509.SubjectAlternativeName([x509.DNSName("a.example")])
    builder = builder.add_extension(names, critical=False)
    if password:
        builder = builder.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, b"sesame99")
    return builder.sign(LEAF.key, hashes.SHA256())


def crl(until: dt.datetime = NOW + YEAR) -> x509.CertificateRevocationList:
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(0xABCDEF)
        .revocation_date(NOW)
        .add_extension(x509.CRLReason(x509.ReasonFlags.superseded), critical=False)
        .build()
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(CA.certificate.subject)
        .last_update(NOW - YEAR)
        .next_update(until)
        .add_revoked_certificate(entry)
        .add_extension(x509.CRLNumber(7), critical=False)
    )
    return builder.sign(CA.key, hashes.SHA256())


PUBLIC = LEAF.key.public_key()
FORMS = {
    Kind.CERTIFICATE: LEAF.certificate.public_bytes,
    Kind.REQUEST: csr().public_bytes,
    Kind.REVOCATIONS: crl().public_bytes,
    Kind.PRIVATE_KEY: lambda encoding: LEAF.key.private_bytes(encoding, PKCS8, NoEncryption()),
    Kind.PUBLIC_KEY: lambda encoding: PUBLIC.public_bytes(
        encoding, PublicFormat.SubjectPublicKeyInfo
    ),
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("encoding", [PEM, DER])
@pytest.mark.parametrize("wrap", [bytes, base64.b64encode, base64.encodebytes])
def test_every_kind_is_known_however_it_comes(kind, encoding, wrap):
    thing = one(wrap(FORMS[kind](encoding)))
    assert (thing.kind, thing.refused) == (kind, None)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["rsa", "ec", "ed25519"],
)
@pytest.mark.parametrize("encoding", [PEM, DER])
@pytest.mark.parametrize("form", [PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_private_key_tells_its_public_half_alone(key, encoding, form):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        form = PKCS8  # it has no traditional form
    thing = one(key.private_bytes(encoding, form, NoEncryption()))
    assert thing.kind is Kind.PRIVATE_KEY
    public = key.public_key().public_bytes(PEM, PublicFormat.SubjectPublicKeyInfo)
    assert thing.pem == public.decode()
    assert thing.der == b""


def test_an_encrypted_key_opens_with_its_passphrase_alone():
    pem = LEAF.key.private_bytes(PEM, PKCS8, BestAvailableEncryption(b"sesame99"))
    assert "Give its passphrase too" in said(one(pem))
    assert "does not open" in said(one(pem, passphrase="wrong"))
    assert one(pem, passphrase="sesame99").spki_sha256 == LEAF.facts.spki_sha256


def test_a_forged_rsa_key_is_paired_with_nothing():
    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in "ab")
    mine, its = key.private_numbers(), other.public_key().public_numbers()
    numbers = [0, its.n, its.e, mine.d, mine.p, mine.q, mine.dmp1, mine.dmq1, mine.iqmp]
    thing = one(der_made.sequence(*map(der_made.integer, numbers)))
    assert thing.spki_sha256 == ""
    assert thing.refused or "made to deceive" in said(thing)


def test_a_certificate_is_explained():
    text = said(one(LEAF.facts.pem.encode()))
    for part in (
        "Use: It lets a server prove its names.",
        "Subject: CN=api.wardle.svc",
        "Issuer: CN=aggregator-ca",
        "It is valid now, for 365 more days.",
        "Key: ECDSA P-256",
        "Signature: ECDSA with SHA-256",
        "DNS api.wardle.svc",
        "server auth (1.3.6.1.5.5.7.3.1)",
        "It is no authority",
        LEAF.facts.sha256,
        f"sha256:{LEAF.facts.spki_sha256}",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (NOW - YEAR, "It is not valid yet."),
        (NOW + 2 * YEAR, "It ended 365 days ago"),
    ],
)
def test_a_certificate_out_of_its_time_says_so(now, words):
    assert words in said(one(LEAF.facts.der, now=now))


def test_an_unknown_extension_shows_its_identifier_and_hex():
    builder = (
        x509.CertificateBuilder()
        .subject_name(distinguished("odd"))
        .issuer_name(distinguished("odd"))
        .public_key(PUBLIC)
        .serial_number(5)
        .not_valid_before(NOW)
        .not_valid_after(NOW + YEAR)
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x04\1\xab"),
            critical=True,
        )
    )
    thing = one(builder.sign(LEAF.key, hashes.SHA256()).public_bytes(DER))
    (extension,) = thing.extensions
    assert (extension.name, extension.critical, extension.known) == (
        "1.3.6.1.4.1.99999.1",
        True,
        False,
    )
    assert extension.values == ("04:01:ab",)


def test_a_request_is_checked_and_its_password_is_not_shown():
    thing = one(csr(password=True).public_bytes(PEM))
    text = said(thing)
    assert "The signature is right" in text
    assert "DNS a.example" in text
    assert "challenge password" in text
    assert "sesame99" not in text


def test_a_request_that_was_changed_says_so():
    der = csr().public_bytes(DER)
    assert "The signature is wrong" in said(one(der.replace(b"asked", b"faked")))


def test_a_revocation_list_is_explained():
    text = said(one(crl().public_bytes(DER)))
    assert "abcdef since 2026-11-23 05:00: it was replaced" in text
    assert "CRL number: 7" in text
    assert "A newer list should be there" in said(one(crl(NOW - YEAR / 2).public_bytes(DER)))


@pytest.mark.parametrize("encoding", [PEM, DER])
def test_pkcs7_gives_its_certificates(encoding):
    bag = pkcs7.serialize_certificates([LEAF.certificate, CA.certificate], encoding)
    assert {c.sha256 for c in look(bag).certificates} == {LEAF.facts.sha256, CA.facts.sha256}


def stored(encryption: Encryption = Encryption.MODERN) -> bytes:
    lock = Lock(alias="api", passphrase="correct horse", encryption=encryption, now=NOW)
    return keystore(
        "api", certificate=LEAF.facts, key_pem=LEAF.key_pem, chain=(CA.facts,), lock=lock
    ).body


@pytest.mark.parametrize("encryption", [Encryption.MODERN, Encryption.LEGACY])
def test_pkcs12_gives_key_and_certificates(encryption):
    found = look(stored(encryption), passphrase="correct horse")
    kinds = [thing.kind for thing in found.things]
    assert kinds == [Kind.PRIVATE_KEY, Kind.CERTIFICATE, Kind.CERTIFICATE]
    assert [pairing.other.title for pairing in found.pairings] == ["api.wardle.svc"]


def test_pkcs12_without_its_passphrase_says_which_is_missing():
    assert "Give it too" in said(one(stored()))
    assert "does not open" in said(one(stored(), passphrase="wrong"))


@pytest.mark.parametrize(
    "bomb",
    [
        der_made.pkcs12(mac_rounds=2**31 - 1),
        der_made.pkcs12(key_rounds=2**31 - 1),
        der_made.encrypted_key(der_made.pbes2(der_made.pbkdf2(2**40))),
        der_made.encrypted_key(der_made.pbes2(der_made.scrypt(2**24, 8, 1))),
        der_made.encrypted_key(der_made.pbes2(der_made.scrypt(16384, 8, 2**20))),
    ],
    ids=["mac", "key bag", "pbkdf2", "scrypt memory", "scrypt time"],
)
def test_what_costs_too_much_is_refused_before_it_is_derived(bomb: bytes):
    begun = time.monotonic()
    thing = one(bomb, passphrase="sesame99")
    assert "The file asks for" in said(thing)
    assert time.monotonic() - begun < 20  # 2**31 rounds are minutes


@pytest.mark.parametrize("label", ["OPENSSH PRIVATE KEY", "PGP MESSAGE", "DH PARAMETERS"])
def test_what_is_not_read_says_so(label: str):
    text = f"-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n"
    assert f"“{label}” is not among the things" in said(one(text.encode()))


def test_a_damaged_block_does_not_hide_the_others():
    damaged = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"
    broken = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    things = look(damaged + broken + LEAF.facts.pem.encode()).things
    assert [thing.is_read for thing in things] == [False, False, True]


def test_text_around_blocks_may_stand_as_openssl_writes_it():
    text = b"Bag Attributes\n friendlyName: x\nsubject=CN = x\n" + LEAF.facts.pem.encode()
    assert one(text).facts == LEAF.facts


@pytest.mark.parametrize("data", [b"", b" \n", b"hello", b"\xff\xfe", b"%PDF-1.7", b"{}"])
def test_what_is_nothing_of_x509_says_what_is_read(data: bytes):
    thing = one(data)
    assert (thing.kind, thing.is_read) == (Kind.UNREAD, False)


def test_sizes_and_counts_are_bounded():
    assert "at most" in said(one(b"x" * (MAX_INPUT_BYTES + 1)))
    block = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    assert "PEM blocks" in said(one(block * (MAX_PIECES + 1)))
    with pytest.raises(NothingFound, match="more than"):
        look(block * (MAX_THINGS + 1))
    with pytest.raises(NothingFound):
        look()


@pytest.mark.parametrize("shape", [b"-----BEGIN ", b"-----BEGIN A-----", b"A" * 9, b"-- -"])
def test_no_text_takes_long(shape: bytes):
    begun = time.monotonic()
    look(shape * (MAX_INPUT_BYTES // len(shape)))
    assert time.monotonic() - begun < 60


def test_hidden_names_are_kept_as_they_are_for_the_page_to_spell_out():
    thing = one(make("a\u202eb").facts.der)
    assert "\u202e" in said(thing)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.integers(0, 4000), st.binary(max_size=6))
def test_whatever_is_damaged_is_explained_or_refused(kind: Kind, place: int, harm: bytes):
    der = FORMS[kind](DER)
    place %= len(der)
    try:
        things = look(der[:place] + harm + der[place + len(harm) :]).things
    except PkiError:
        return
    assert all(thing.rows or thing.refused for thing in things)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_bytes_are_explained_or_refused(data: bytes):
    assert look(b"\x30" + data).things


def test_rounds_that_nobody_can_count_beforehand_are_stopped():
    begun = time.monotonic()
    thing = one(der_made.hidden_bomb(b"sesame99"), passphrase="sesame99")
    assert "took longer than it may" in said(thing)
    assert time.monotonic() - begun < 90
