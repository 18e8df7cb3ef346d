"""Signing requests for tests: real keys, real signatures, odd contents."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TLS_FEATURE = "1.3.6.1.5.5.7.1.24"
UNKNOWN = "1.3.6.1.4.1.99999.7"
SUBJECT = (("O", "k8s"), ("CN", "web"))
_OIDS = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "E": NameOID.EMAIL_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
}
Extension = tuple[x509.ExtensionType, bool]


@cache
def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa2048() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def sans(*names: str) -> Extension:
    """Names as DNS, IP addresses where they are ones."""
    return x509.SubjectAlternativeName([_general(name) for name in names]), False


def usages(*oids: x509.ObjectIdentifier) -> Extension:
    return x509.ExtendedKeyUsage(oids or [ExtendedKeyUsageOID.CLIENT_AUTH]), False


def ca(path_length: int | None = None) -> Extension:
    return x509.BasicConstraints(True, path_length), True


def unknown(oid: str = UNKNOWN, value: bytes = b"\x05\x00", *, critical: bool = False) -> Extension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), critical


def csr(
    *extensions: Extension,
    subject: Sequence[tuple[str, str]] = SUBJECT,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | None = None,
    password: bytes = b"",
) -> x509.CertificateSigningRequest:
    """A request for `subject`, by default with one P-256 key that is made once."""
    signer = key or p256()
    name = x509.Name([x509.NameAttribute(_OIDS[kind], value) for kind, value in subject])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    if password:
        builder = builder.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, password)
    edwards = isinstance(signer, ed25519.Ed25519PrivateKey)
    return builder.sign(signer, None if edwards else hashes.SHA256())


def pem(request: x509.CertificateSigningRequest) -> str:
    return request.public_bytes(Encoding.PEM).decode()


def der(request: x509.CertificateSigningRequest) -> bytes:
    return request.public_bytes(Encoding.DER)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
