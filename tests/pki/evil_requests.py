"""Hostile signing requests, made by code, each with the answer that it must get: bad keys, bad
signatures, bad subjects.

The answer is the code of the refusal, or WAITS for one that is taken in and left to people.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache, partial

from cryptography.hazmat.primitives.asymmetric import ec

from tests.pki.csrs_made import p256
from tests.pki.der_made import integer, octets, oid, sequence, tlv
from tests.pki.requests_by_hand import (
    BMP,
    CN,
    IA5,
    NULL,
    OU,
    PRINTABLE,
    RSA,
    TELETEX,
    UNIVERSAL,
    UTF8,
    C,
    O,
    RsaNumbers,
    by_curve,
    by_nobody,
    good_rsa,
    infineons_prime,
    name,
    prime,
    request,
    rsa_of,
    rsa_request,
    spki,
    spki_of,
    value,
)

Made = Callable[[], bytes]
Case = tuple[str, Made]
WAITS = "waits"
REFUSED, KEY, WEAK, KEY_BESIDE = (
    "invalid-request",
    "invalid-key",
    "weak-key",
    "private-key-found",
)
FIELD, HOST, FIELDS = "invalid-field", "invalid-host", "invalid-fields"
_EC = "1.2.840.10045.2.1"
MASTERS = "system:masters"


def _random(bits: int) -> int:
    return random.Random(bits).getrandbits(bits) | 1 << bits - 1 | 1  # noqa: S311 -- no secret


def _point(key: ec.EllipticCurvePrivateKey, change: int = 0) -> bytes:
    """An uncompressed point; with `change` one that lies beside the curve."""
    numbers = key.public_key().public_numbers()
    return b"\4" + numbers.x.to_bytes(32) + (numbers.y ^ change).to_bytes(32)


def _curve(point: bytes, parameters: bytes | None = None) -> bytes:
    named = oid("1.2.840.10045.3.1.7")
    return request(key=spki(sequence(oid(_EC), parameters or named), point))


def _own_curve() -> bytes:
    """P-256 spelled out with another generator: the key's own (CVE-2020-0601)."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field = sequence(oid("1.2.840.10045.1.1"), integer(p))
    coefficients = sequence(octets((p - 3).to_bytes(32)), octets(b.to_bytes(32)))
    generator = octets(_point(p256()))
    return sequence(integer(1), field, coefficients, generator, integer(order), integer(1))


def _of_curve(curve: ec.EllipticCurve) -> bytes:
    key = ec.generate_private_key(curve)
    return request(key=spki_of(key), signer=by_curve(key))


def _numbers(bits: int) -> bytes:
    return request(key=RsaNumbers(n=_random(bits), e=65537).spki)


def _exponent(e: int) -> bytes:
    return rsa_request(RsaNumbers(n=good_rsa().n, e=e, d=1))


def _close() -> RsaNumbers:
    first = prime(1024, 7)
    return rsa_of(first, prime_after(first))


@cache
def prime_after(number: int) -> int:
    number += 2
    while pow(2, number - 1, number) != 1 or number % 65537 == 1:
        number += 2
    return number


def _same_signature_twice(der: bytes) -> bytes:
    """The last octet of the signature changed."""
    return der[:-1] + bytes([der[-1] ^ 1])


KEYS: dict[str, Case] = {
    "rsa 512": (KEY, lambda: rsa_request(rsa_of(prime(256, 1), prime(256, 2)))),
    "rsa 1023": (KEY, lambda: rsa_request(rsa_of(prime(512, 1), prime(512, 2) >> 1 | 1))),
    "rsa 1024": (KEY, lambda: rsa_request(rsa_of(prime(512, 3), prime(512, 4)))),
    "rsa 2047": (KEY, lambda: _numbers(2047)),
    "rsa 8192": (KEY, lambda: _numbers(8192)),
    "rsa 16384": (KEY, lambda: _numbers(16384)),
    "rsa 65536": (KEY, lambda: _numbers(65536)),
    "rsa e=1": (REFUSED, lambda: _exponent(1)),
    "rsa e=3": (KEY, lambda: _exponent(3)),
    "rsa e even": (REFUSED, lambda: _exponent(65536)),
    "rsa e negative": (REFUSED, lambda: _exponent(-3)),
    "rsa e huge": (KEY, lambda: _exponent(2**2000 + 1)),
    "rsa even modulus": (WEAK, lambda: request(key=RsaNumbers(n=_random(2048) - 1, e=65537).spki)),
    "rsa small factor": (WEAK, lambda: rsa_request(rsa_of(prime(2037, 5), 1867))),
    "rsa close primes": (WEAK, lambda: rsa_request(_close())),
    "rsa roca": (WEAK, lambda: rsa_request(rsa_of(infineons_prime(1), infineons_prime(2)))),
    "rsa modulus 0": (REFUSED, lambda: request(key=RsaNumbers(n=0, e=65537).spki)),
    "rsa modulus negative": (
        REFUSED,
        lambda: request(key=RsaNumbers(n=-good_rsa().n, e=65537).spki),
    ),
    "rsa key of text": (REFUSED, lambda: request(key=spki(sequence(oid(RSA), NULL), b"hello"))),
    "p-192": (KEY, lambda: _of_curve(ec.SECP192R1())),
    "p-224": (KEY, lambda: _of_curve(ec.SECP224R1())),
    "secp256k1": (KEY, lambda: _of_curve(ec.SECP256K1())),
    "brainpool": (KEY, lambda: _of_curve(ec.BrainpoolP256R1())),
    "point off the curve": (REFUSED, lambda: _curve(_point(p256(), 1))),
    "point at infinity": (REFUSED, lambda: _curve(b"\0")),
    "point (0, 0)": (REFUSED, lambda: _curve(b"\4" + bytes(64))),
    "point cut off": (REFUSED, lambda: _curve(_point(p256())[:40])),
    "own generator": (REFUSED, lambda: _curve(_point(p256()), _own_curve())),
    "unknown algorithm": (
        REFUSED,
        lambda: request(key=spki(sequence(oid("1.3.6.1.4.1.99999.1")), b"key")),
    ),
}
SIGNATURES: dict[str, Case] = {
    "signed by nobody": (REFUSED, lambda: request(signer=by_nobody)),
    "signature changed": (REFUSED, lambda: _same_signature_twice(request())),
    "another's key": (REFUSED, lambda: request(key=good_rsa().spki)),
    "md5": (REFUSED, lambda: rsa_request(good_rsa(), "md5")),
    "sha-1": (REFUSED, lambda: rsa_request(good_rsa(), "sha1")),
    "empty signature": (REFUSED, lambda: request(signer=lambda _: (by_curve()(b"")[0], b""))),
    "unknown signature": (
        REFUSED,
        lambda: request(signer=lambda info: (sequence(oid("1.2.3.4")), by_curve()(info)[1])),
    ),
    "rsa algorithm, curve key": (
        REFUSED,
        lambda: request(signer=good_rsa().signer()),
    ),
}


def _named(*pairs: tuple[str, str | bytes, int]) -> bytes:
    return request(subject=name(*(value(*pair) for pair in pairs)))


def named_cn(text: str | bytes, tag: int = 0x0C) -> bytes:
    return _named((CN, text, tag))


def _masters_at(place: int) -> bytes:
    before = [(OU, f"u{number}", PRINTABLE) for number in range(place)]
    return _named(*before, (O, MASTERS, PRINTABLE), *[(CN, "web", UTF8)] * (2 - place))


SUBJECTS: dict[str, Case] = {
    "nothing named": ("missing-subject", lambda: request(subject=name())),
    "CN empty": (FIELD, lambda: named_cn("")),
    "CN blank": (FIELD, lambda: named_cn("   ")),
    "CN with NUL": (FIELD, lambda: named_cn("web\0.evil.example")),
    "CN with line break": (FIELD, lambda: named_cn("web\r\nSet-Cookie: a=b")),
    "CN with escape": (FIELD, lambda: named_cn("web\x1b[2J")),
    "CN with bidi": (FIELD, lambda: named_cn("web\u202egpj.exe")),
    "CN with zero width": (FIELD, lambda: named_cn("we\u200bb")),
    "CN of 65": (FIELD, lambda: named_cn("x" * 65)),
    "CN of 10,000": (FIELD, lambda: named_cn("x" * 10_000)),
    "CN no UTF-8": (REFUSED, lambda: named_cn(b"\xff\xfe\xfd")),
    "CN no BMP": (REFUSED, lambda: named_cn(b"\0a\0", BMP)),
    "CN with BMP surrogate": (REFUSED, lambda: named_cn(b"\xd8\0\0a", BMP)),
    "CN in IA5": ("lint-fault", lambda: named_cn("web", IA5)),
    "CN a number": (REFUSED, lambda: named_cn(b"\x05", 0x02)),
    "CN a sequence": (REFUSED, lambda: named_cn(b"\x05\0", 0x30)),
    "C of three": (FIELD, lambda: _named((C, "DEU", PRINTABLE))),
    "51 values": (FIELD, lambda: _named(*[(OU, f"u{i}", PRINTABLE) for i in range(51)])),
    "a value of 8,000": (FIELD, lambda: _named(("2.5.4.9", "x" * 8_000, 0x0C))),
    "empty RDN": (REFUSED, lambda: request(subject=sequence(tlv(0x31)))),
    **{f"masters in RDN {place}": (WAITS, partial(_masters_at, place)) for place in range(3)},
    "masters in one RDN of several": (
        WAITS,
        lambda: request(subject=name((value(CN, "web"), value(O, MASTERS)))),
    ),
    "masters as CN": (WAITS, lambda: named_cn(MASTERS)),
    "masters in Cyrillic": (WAITS, lambda: _named((O, "\u0455ystem:m\u0430sters", 0x0C))),
    "masters in full width": (WAITS, lambda: _named((O, "\uff53ystem:masters", 0x0C))),
    "masters in BMP": (WAITS, lambda: _named((O, MASTERS.encode("utf-16-be"), BMP))),
    "masters in UCS-4": (WAITS, lambda: _named((O, MASTERS.encode("utf-32-be"), UNIVERSAL))),
    "masters in Teletex": (WAITS, lambda: _named((O, MASTERS, TELETEX))),
    "masters in an own attribute": (WAITS, lambda: _named(("1.3.6.1.4.1.99999.2", MASTERS, 12))),
    "masters with a NUL": (FIELD, lambda: _named((O, MASTERS + "\0", 0x0C))),
    "a node": (WAITS, lambda: _named((O, "system:nodes", 12), (CN, "system:node:a", 12))),
    "kubeadm's admins": (WAITS, lambda: _named((O, "kubeadm:cluster-admins", 12))),
}
