"""One door for foreign signing requests: exactly one, whole, signed by its own strong key."""

from __future__ import annotations

import math
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from aggportal.pki.csrreading import MAX_CSR_BYTES, read_csr
from aggportal.pki.errors import InvalidKey, InvalidRequest, PkiError, WeakKey
from aggportal.pki.keys import private_key_pem
from aggportal.pki.reading import PrivateKeyFound
from tests.pki.csrs_made import ca, csr, der, p256, pem, rsa2048, sans, unknown, usages

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"
GOOD = pem(csr(sans("a.example", "10.0.0.1"), usages(), unknown(critical=True)))


def test_everything_that_is_asked_is_read() -> None:
    facts = read_csr(pem(csr(sans("a.example", "10.0.0.1"), usages(), ca(2), unknown())))
    assert (facts.subject, facts.common_name) == ("O=k8s, CN=web", "web")
    assert facts.sans == (("dns", "a.example"), ("ip", "10.0.0.1"))
    assert facts.extended_usages == ("client auth",)
    assert (facts.is_ca, facts.path_length) == (True, 2)
    assert [extension.value for extension in facts.extensions] == [b"\x05\x00"]
    assert (facts.key, facts.signature) == ("ECDSA P-256", "ECDSA with SHA-256")


def test_pem_der_and_both_labels_are_the_same() -> None:
    facts = read_csr(GOOD)
    old = GOOD.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
    assert facts == read_csr(facts.der) == read_csr(old) == read_csr(f"\n {GOOD}\r\n\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no signing request"),
        ("  \n", "There is no signing request"),
        ("hello", "This is not PEM"),
        (GOOD + GOOD, "several blocks"),
        ("Certificate Request:\n" + GOOD, "other text"),
        (GOOD + "x", "other text"),
        (GOOD.replace("CERTIFICATE REQUEST", "CERTIFICATE"), "marked “CERTIFICATE”"),
        (GOOD.replace("-----BEGIN CERTIFICATE REQUEST", "-----BEGIN NEW CERTIFICATE REQUEST"), "m"),
        (GOOD.replace("M", "!", 3), "damaged"),
        (GOOD[:200], "This is not PEM"),
        ("0" * 40_000, "bytes long"),
        ("é\x00‮", "This is not PEM"),
    ],
)
def test_what_is_not_exactly_one_request_is_refused_with_words(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read_csr(text)


def test_a_private_key_beside_the_request_is_refused_by_name() -> None:
    with pytest.raises(PrivateKeyFound):
        read_csr(GOOD + private_key_pem(p256()))


@pytest.mark.parametrize(("arc", "name"), [(b"\x05", "SHA1"), (b"\x04", "MD5")])
def test_a_broken_hash_is_refused(arc: bytes, name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        read_csr(_with_algorithm(der(csr(key=rsa2048())), arc))


def _with_algorithm(whole: bytes, arc: bytes) -> bytes:
    """Mark an RSA request as signed with another hash: 1.2.840.113549.1.1.<arc>."""
    prefix = bytes.fromhex("06092a864886f70d0101")
    assert whole.count(prefix + b"\x0b") == 1
    return whole.replace(prefix + b"\x0b", prefix + arc)


def test_a_changed_request_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not of its own key"):
        read_csr(der(csr()).replace(b"web", b"wab"))


def test_a_request_with_something_behind_it_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        read_csr(der(csr()) + b"\x00")


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),
        rsa.generate_private_key(3, 2048),
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.SECP224R1()),
    ],
    ids=["rsa-1024", "e-3", "secp256k1", "p-224"],
)
def test_a_key_that_we_would_not_certify_is_refused(key) -> None:
    with pytest.raises(InvalidKey):
        read_csr(der(csr(key=key)))


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP521R1()), ed25519.Ed25519PrivateKey.generate(), rsa2048()],
    ids=["p-521", "ed25519", "rsa-2048"],
)
def test_the_allowed_keys_pass(key) -> None:
    assert read_csr(der(csr(key=key))).key


def test_primes_close_to_each_other_are_refused() -> None:
    p = _prime_from((3 << 1022) + 20_261_123)
    q = _prime_from(p + 2)
    with pytest.raises(WeakKey, match="Fermat"):
        read_csr(der(csr(key=_rsa_of(p, q))))


def _prime_from(start: int) -> int:
    number = start | 1
    while pow(2, number - 1, number) != 1 or math.gcd(number - 1, 65537) != 1:
        number += 2
    return number


def _rsa_of(p: int, q: int) -> rsa.RSAPrivateKey:
    d = pow(65537, -1, (p - 1) * (q - 1))
    parts = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    public = rsa.RSAPublicNumbers(65537, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key(
        unsafe_skip_rsa_key_validation=True
    )


def test_a_request_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="bytes long"):
        read_csr(der(csr(unknown(value=b"\x04\x82\x50\x00" + b"x" * MAX_CSR_BYTES))))


@given(st.binary(max_size=300))
def test_whatever_the_bytes_only_refusals_leave(data: bytes) -> None:
    for bytes_given in (data, b"\x30" + data):
        with pytest.raises(PkiError):
            read_csr(bytes_given)


@given(st.integers(0, len(der(csr(sans("a.b"), unknown()))) - 1), st.integers(1, 255))
def test_whichever_byte_is_changed_the_request_is_refused(place: int, mask: int) -> None:
    changed = bytearray(der(csr(sans("a.b"), unknown())))
    changed[place % len(changed)] ^= mask
    with pytest.raises(PkiError):
        read_csr(bytes(changed))


@pytest.mark.filterwarnings("ignore")
def test_every_known_odd_request_is_read_or_refused_in_words() -> None:
    files = [path for path in VECTORS.rglob("*") if path.is_file() and path.suffix != ".py"]
    read, refused = 0, 0
    for path in files:
        try:
            read += bool(read_csr(path.read_bytes()).key)
        except PkiError as refusal:
            refused += bool(str(refusal))
    assert read + refused == len(files) > 100
    assert read > 5
