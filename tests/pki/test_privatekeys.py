"""Private keys from elsewhere: what is opened, and what is refused in which words."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from aggportal.pki import gathering
from aggportal.pki.derivations import TooCostly
from aggportal.pki.errors import InvalidKey, PkiError, WeakKey
from aggportal.pki.inspecting import Given
from aggportal.pki.keys import spki_sha256
from aggportal.pki.privatekeys import read_private_key
from aggportal.pki.thing_keys import PassphraseNeeded, UnreadableKey
from tests.pki import der_made

PEM, DER, PKCS8, OLD = (
    Encoding.PEM,
    Encoding.DER,
    PrivateFormat.PKCS8,
    PrivateFormat.TraditionalOpenSSL,
)
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize("key", [P256, RSA, ed25519.Ed25519PrivateKey.generate()])
@pytest.mark.parametrize("encoding", [PEM, DER])
def test_plain_and_encrypted_pkcs8_open(key, encoding):
    plain = key.private_bytes(encoding, PKCS8, NoEncryption())
    locked = key.private_bytes(encoding, PKCS8, BestAvailableEncryption(b"open sesame"))
    for data, phrase in ((plain, ""), (plain, "for something else"), (locked, "open sesame")):
        opened = read_private_key(data, passphrase=phrase)
        assert spki_sha256(opened.public_key()) == spki_sha256(key.public_key())
    with pytest.raises(PassphraseNeeded, match="Give its passphrase"):
        read_private_key(locked)
    with pytest.raises(PassphraseNeeded, match="does not open") as refused:
        read_private_key(locked, passphrase="guess")
    assert refused.value.field == "passphrase"


def test_what_stands_before_an_ec_key_says_nothing():
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    data = parameters + P256.private_bytes(PEM, OLD, NoEncryption())
    assert read_private_key(data).public_key() == P256.public_key()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "1024 bits is refused"),
        (rsa.generate_private_key(public_exponent=3, key_size=2048), "exponent 65537"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1 is refused"),
        (dsa.generate_private_key(1024), "Only RSA, ECDSA and Ed25519"),
        (ed448.Ed448PrivateKey.generate(), "Only RSA, ECDSA and Ed25519"),
    ],
)
def test_kinds_that_we_would_not_make_are_refused(key, words):
    with pytest.raises(InvalidKey, match=words):
        read_private_key(key.private_bytes(PEM, PKCS8, NoEncryption()))


def test_a_key_of_close_primes_is_refused():
    p = 3 * 2**1022 + 1037
    q = p + 660  # the next prime
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(65537, p * q),
    )
    key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    with pytest.raises(WeakKey, match="two primes lie close"):
        read_private_key(key.private_bytes(PEM, PKCS8, NoEncryption()))


def test_halves_of_two_keys_are_not_one_key():
    other = ec.generate_private_key(ec.SECP256R1())
    data = bytearray(P256.private_bytes(DER, OLD, NoEncryption()))
    scalar = P256.private_numbers().private_value.to_bytes(32)
    at = data.index(scalar)
    data[at : at + 32] = other.private_numbers().private_value.to_bytes(32)
    with pytest.raises(PkiError):
        read_private_key(bytes(data))
    numbers = RSA.private_numbers()
    torn = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d + 2,
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    )
    key = torn.private_key(unsafe_skip_rsa_key_validation=True)
    with pytest.raises(PkiError):
        read_private_key(key.private_bytes(PEM, PKCS8, NoEncryption()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----",
        b"-----BEGIN PRIVATE KEY-----\nAAAA",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: ROT-13,00\n\nAAAA\n"
        b"-----END RSA PRIVATE KEY-----",
        P256.private_bytes(PEM, PKCS8, NoEncryption()) * 2,
        b"\x30\x80" + b"\0" * 40,
        b"\x30\x82\x40\x00" + b"\0" * 20_000,
    ],
)
def test_what_is_no_key_is_refused_in_words(data):
    with pytest.raises(PkiError) as refused:
        read_private_key(data, passphrase="x")
    assert str(refused.value)
    assert isinstance(refused.value, UnreadableKey | InvalidKey | PkiError)


def test_a_key_whose_opening_would_cost_too_much_stays_closed():
    scheme = der_made.sequence(
        der_made.oid("1.2.840.113549.1.5.13"),
        der_made.sequence(der_made.pbkdf2(2**31 - 1), der_made.sequence()),
    )
    with pytest.raises(TooCostly):
        read_private_key(der_made.sequence(scheme, der_made.octets(bytes(64))), passphrase="x")


def test_locked_things_together_get_a_time_and_no_more(monkeypatch):
    monkeypatch.setattr(gathering, "MAX_LOCKED_SECONDS", -1.0)
    locked = P256.private_bytes(PEM, PKCS8, BestAvailableEncryption(b"x"))
    found = gathering.gather([Given(data=locked, name="k.pem")], passphrase="x")
    assert "took as long as is given" in str(found.left_out[0].sentence)


def test_one_bad_file_does_not_hide_the_others():
    bad = Given(data=der_made.pkcs12(mac_rounds=2**31 - 1), name="bad.p12")
    good = Given(data=P256.private_bytes(PEM, OLD, NoEncryption()), name="good.pem")
    found = gathering.gather([bad, good], passphrase="x")
    assert [key.source for key in found.keys] == ["good.pem"]
    assert isinstance(found.first_fault, TooCostly)
