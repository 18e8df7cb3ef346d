"""What a file is: told by its PEM label, or by the shape of its DER."""

from __future__ import annotations

import enum

from aggportal.pki.asn1 import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    UTC_TIME,
    Node,
)
from aggportal.pki.derivations import is_encrypted_key
from aggportal.pki.pkcs12 import is_pkcs12


class Shape(enum.Enum):
    """What the bytes look like; whether they are it, their reader says."""

    CERTIFICATE = enum.auto()
    REQUEST = enum.auto()
    REVOCATIONS = enum.auto()
    PRIVATE_KEY = enum.auto()
    PUBLIC_KEY = enum.auto()
    PKCS7 = enum.auto()
    PKCS12 = enum.auto()
    PARAMETERS = enum.auto()  # stands before an EC key and says nothing of its own
    NOT_READ = enum.auto()
    UNKNOWN = enum.auto()


_LABELS = {
    "CERTIFICATE": Shape.CERTIFICATE,
    "X509 CERTIFICATE": Shape.CERTIFICATE,
    "CERTIFICATE REQUEST": Shape.REQUEST,
    "NEW CERTIFICATE REQUEST": Shape.REQUEST,
    "X509 CRL": Shape.REVOCATIONS,
    "PUBLIC KEY": Shape.PUBLIC_KEY,
    "RSA PUBLIC KEY": Shape.PUBLIC_KEY,
    "PKCS7": Shape.PKCS7,
    "CMS": Shape.PKCS7,
    "PKCS12": Shape.PKCS12,
    "EC PARAMETERS": Shape.PARAMETERS,
    "PRIVATE KEY": Shape.PRIVATE_KEY,
    "ENCRYPTED PRIVATE KEY": Shape.PRIVATE_KEY,
    "RSA PRIVATE KEY": Shape.PRIVATE_KEY,
    "EC PRIVATE KEY": Shape.PRIVATE_KEY,
    "DSA PRIVATE KEY": Shape.PRIVATE_KEY,
    "Ed25519 PRIVATE KEY": Shape.PRIVATE_KEY,
}
_TIMES = (UTC_TIME, GENERALIZED_TIME)


def shape_of_label(label: str) -> Shape:
    """Tell by a PEM label (RFC 7468 and OpenSSL's older ones)."""
    return _LABELS.get(label, Shape.NOT_READ)


def shape_of(root: Node) -> Shape:
    """Tell by the outermost parts."""
    tags = root.tags
    if tags == (SEQUENCE, SEQUENCE, BIT_STRING):
        return _signed(root.children[0])
    if tags == (SEQUENCE, BIT_STRING):
        return Shape.PUBLIC_KEY
    if is_pkcs12(root):
        return Shape.PKCS12
    if tags[:1] == (OID,):
        return Shape.PKCS7
    if is_encrypted_key(root) or _is_private_key(root):
        return Shape.PRIVATE_KEY
    return Shape.UNKNOWN


def _signed(body: Node) -> Shape:
    tags = body.tags
    if tags[:3] == (INTEGER, SEQUENCE, SEQUENCE) and tags[3:] in ((0xA0,), ()):
        return Shape.REQUEST
    dated = tags[1:] if tags[:1] == (INTEGER,) else tags
    if dated[:2] == (SEQUENCE, SEQUENCE) and len(dated) > 2 and dated[2] in _TIMES:
        return Shape.REVOCATIONS
    return Shape.CERTIFICATE


def _is_private_key(root: Node) -> bool:
    """Tell PKCS#8 (RFC 5958), SEC1 (RFC 5915), PKCS#1 (RFC 8017) and DSA's traditional form."""
    tags = root.tags
    is_wrapped = tags[:3] == (INTEGER, SEQUENCE, OCTET_STRING)
    is_sec1 = tags[:2] == (INTEGER, OCTET_STRING)
    is_numbers = len(tags) in (6, 9) and set(tags) == {INTEGER}
    return is_wrapped or is_sec1 or is_numbers
