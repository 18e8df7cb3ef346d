"""Signing requests (PKCS#10, RFC 2986) written octet by octet and truly signed, so that any one
part can be wrong and everything else right.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.pki.csrs_made import p256, rsa2048
from tests.pki.der_made import integer, octets, oid, sequence, tlv

NULL = tlv(0x05)
UTF8, PRINTABLE, TELETEX, IA5, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E
CN, O, OU, C = "2.5.4.3", "2.5.4.10", "2.5.4.11", "2.5.4.6"  # noqa: E741 -- its own name
SAN, BASIC, USAGE, EXTENDED = "2.5.29.17", "2.5.29.19", "2.5.29.15", "2.5.29.37"
NAME_CONSTRAINTS = "2.5.29.30"
EXTENSIONS, CHALLENGE = "1.2.840.113549.1.9.14", "1.2.840.113549.1.9.7"
RSA = "1.2.840.113549.1.1.1"
# RSASSA-PKCS1-v1_5 (RFC 8017 section 9.2): the OID's last arc, and DigestInfo's prefix.
HASHES = {
    "md5": (4, "3020300c06082a864886f70d020505000410"),
    "sha1": (5, "3021300906052b0e03021a05000414"),
    "sha256": (11, "3031300d060960864801650304020105000420"),
}
Signer = Callable[[bytes], tuple[bytes, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RsaNumbers:
    """An RSA key as numbers, since no library makes the bad ones; `d` 0 signs nonsense."""

    n: int
    e: int
    d: int = 0

    @property
    def spki(self) -> bytes:
        return spki(sequence(oid(RSA), NULL), sequence(integer(self.n), integer(self.e)))

    def signer(self, digest: str = "sha256") -> Signer:
        def sign(info: bytes) -> tuple[bytes, bytes]:
            arc, prefix = HASHES[digest]
            size = (self.n.bit_length() + 7) // 8
            told = bytes.fromhex(prefix) + hashlib.new(digest, info).digest()
            padded = b"\0\1" + b"\xff" * (size - len(told) - 3) + b"\0" + told
            value = pow(int.from_bytes(padded), self.d, self.n)
            return sequence(oid(f"1.2.840.113549.1.1.{arc}"), NULL), value.to_bytes(size)

        return sign


def spki(algorithm: bytes, key: bytes) -> bytes:
    return sequence(algorithm, tlv(0x03, b"\0", key))


def spki_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def by_curve(key: ec.EllipticCurvePrivateKey | None = None) -> Signer:
    """ECDSA with SHA-256; by default the one P-256 key of the tests."""

    def sign(info: bytes) -> tuple[bytes, bytes]:
        made = (key or p256()).sign(info, ec.ECDSA(hashes.SHA256()))
        return sequence(oid("1.2.840.10045.4.3.2")), made

    return sign


def by_nobody(info: bytes) -> tuple[bytes, bytes]:
    """A signature of other bytes."""
    return by_curve()(info + b"!")


def value(kind: str, text: str | bytes, tag: int = UTF8) -> bytes:
    """AttributeTypeAndValue."""
    return sequence(oid(kind), tlv(tag, text.encode() if isinstance(text, str) else text))


def name(*rdns: bytes | tuple[bytes, ...]) -> bytes:
    """A name; a tuple is one RDN of several values."""
    sets = (rdn if isinstance(rdn, tuple) else (rdn,) for rdn in rdns)
    return sequence(*(tlv(0x31, *several) for several in sets))


def extension(kind: str, content: bytes, *, critical: bytes = b"") -> bytes:
    return sequence(oid(kind), critical, octets(content))


def alternatives(*general: bytes) -> bytes:
    return extension(SAN, sequence(*general))


def dns(text: str | bytes) -> bytes:
    return tlv(0x82, text.encode() if isinstance(text, str) else text)


def wanted(*extensions: bytes) -> bytes:
    """The attribute that asks for extensions (RFC 2985 section 5.4.2)."""
    return sequence(oid(EXTENSIONS), tlv(0x31, sequence(*extensions)))


def request(
    *attributes: bytes,
    subject: bytes | None = None,
    key: bytes | None = None,
    signer: Signer | None = None,
    version: bytes | None = None,
) -> bytes:
    """CertificationRequest in DER: for CN=web and one P-256 key where nothing else is said."""
    info = sequence(
        integer(0) if version is None else version,
        name(value(CN, "web")) if subject is None else subject,
        spki_of(p256()) if key is None else key,
        tlv(0xA0, *attributes),
    )
    algorithm, signature = (signer or by_curve())(info)
    return sequence(info, algorithm, tlv(0x03, b"\0", signature))


def rsa_request(key: RsaNumbers, digest: str = "sha256") -> bytes:
    return request(key=key.spki, signer=key.signer(digest))


@cache
def good_rsa() -> RsaNumbers:
    private = rsa2048().private_numbers()
    return RsaNumbers(n=private.public_numbers.n, e=65537, d=private.d)


def rsa_of(p: int, q: int, e: int = 65537) -> RsaNumbers:
    return RsaNumbers(n=p * q, e=e, d=pow(e, -1, (p - 1) * (q - 1)))


@cache
def prime(bits: int, seed: int) -> int:
    """A probable prime p of exactly `bits` bits, its two highest set, with p-1 prime to 65537."""
    number = random.Random(seed).getrandbits(bits) | 3 << bits - 2 | 1  # noqa: S311 -- no secret
    while not _is_prime(number):
        number += 2
    return number


@cache
def infineons_prime(seed: int) -> int:
    """A prime of 1024 bits as Infineon's library made them: k·M + (65537^a mod M)."""
    chance = random.Random(seed)  # noqa: S311 -- no secret
    product = math.prod(n for n in range(2, 702) if all(n % d for d in range(2, n)))
    while True:
        base = chance.randrange(3 << 1022, 1 << 1024) // product * product
        number = base + pow(65537, chance.getrandbits(200), product)
        if _is_prime(number):
            return number


def _is_prime(number: int) -> bool:
    return pow(2, number - 1, number) == 1 and math.gcd(number - 1, 65537) == 1
