"""The one strict door through which foreign certificates come in, as PEM or DER.

Nothing but `PkiError` leaves it, whatever the bytes (a corpus in the tests says so). Strict means:
known armour only, clean base64, no trailing bytes, one canonical form, every property decoded once,
sizes capped, private keys refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.errors import InvalidCertificate
from aggportal.pki.facts import LIBRARY_ERRORS, CertificateFacts, certificate_facts
from aggportal.words import gettext_noop as _n

__all__ = [
    "MAX_CERTIFICATES",
    "MAX_INPUT_BYTES",
    "CertificateFacts",
    "PrivateKeyFound",
    "load_certificate",
    "read_certificate",
    "read_certificates",
]

MAX_INPUT_BYTES = 256 * 1024  # a caBundle of fifty large certificates
MAX_CERTIFICATES = 50
MAX_CERTIFICATE_BYTES = 64 * 1024  # DER; honest ones are 1 to 4 KiB

_BLOCK = re.compile(
    rb"-----BEGIN (?P<label>[A-Z0-9 #]{1,64})-----"
    rb"(?P<body>[^-]*)"
    rb"-----END (?P<end>[A-Z0-9 #]{1,64})-----"
)


class PrivateKeyFound(InvalidCertificate):
    """A private key lies among the certificates, where it must never be."""

    code = "private-key-found"


def read_certificates(data: bytes | str, *, field: str = "") -> tuple[CertificateFacts, ...]:
    """Read a PEM bundle, in its own order, or one DER certificate.

    At least one; text between blocks may stand.

    Raises `InvalidCertificate` or `PrivateKeyFound`, on `field`.
    """
    return tuple(
        _facts(der, field=field) for der in _certificates_in(data, alone=False, field=field)
    )


def read_certificate(data: bytes | str, *, field: str = "") -> CertificateFacts:
    """Read exactly one certificate: DER, or one PEM block with only white space around it."""
    (der,) = _certificates_in(data, alone=True, field=field)
    return _facts(der, field=field)


def load_certificate(facts: CertificateFacts) -> x509.Certificate:
    """Return the library's own object of a certificate that was read before, to verify or compare
    with.
    """
    return x509.load_der_x509_certificate(facts.der)


def _certificates_in(data: bytes | str, *, alone: bool, field: str) -> tuple[bytes, ...]:
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    if len(raw) > MAX_INPUT_BYTES:
        raise InvalidCertificate(
            _n(
                "This is %(size)d bytes long, and %(limit)d are allowed. Give only the "
                "certificates that are needed."
            ),
            field=field,
            size=len(raw),
            limit=MAX_INPUT_BYTES,
        )
    if not raw.strip():
        raise InvalidCertificate(
            _n("There is no certificate. Paste it as PEM, or give a DER file."), field=field
        )
    found = (raw,) if raw[:1] == b"\x30" else tuple(_armoured(raw, alone=alone, field=field))
    _require_a_count(len(found), alone=alone, field=field)
    return found


def _require_a_count(count: int, *, alone: bool, field: str) -> None:
    if alone and count != 1:
        raise InvalidCertificate(
            _n(
                "There are %(count)d certificates, and exactly one is wanted here: which one is "
                "meant?"
            ),
            field=field,
            count=count,
        )
    if count > MAX_CERTIFICATES:
        raise InvalidCertificate(
            _n("There are %(count)d certificates, and at most %(limit)d can be read at once."),
            field=field,
            count=count,
            limit=MAX_CERTIFICATES,
        )


def _armoured(raw: bytes, *, alone: bool, field: str) -> Iterator[bytes]:
    """Yield the DER of each PEM block (RFC 7468), refusing what is broken or is no certificate."""
    if b"PRIVATE KEY-----" in raw:
        raise PrivateKeyFound(
            _n(
                "There is a private key among the certificates. Take it out, and if this text has "
                "been shared, make a "
                "new key: whoever has it can act as the certificate's owner."
            ),
            field=field,
        )
    blocks = list(_BLOCK.finditer(raw))
    if (
        not blocks
        or raw.count(b"-----BEGIN ") != len(blocks)
        or raw.count(b"-----END ") != len(blocks)
    ):
        raise InvalidCertificate(
            _n(
                "This is not PEM: “-----BEGIN CERTIFICATE-----” and “-----END CERTIFICATE-----” "
                "must stand in pairs."
            ),
            field=field,
        )
    if alone and _BLOCK.sub(b"", raw).strip():
        raise InvalidCertificate(
            _n(
                "There is other text around the certificate. Give the PEM block alone, so that "
                "nothing is overlooked."
            ),
            field=field,
        )
    for block in blocks:
        yield _decoded(block, field=field)


def _decoded(block: re.Match[bytes], *, field: str) -> bytes:
    label = block["label"].decode("ascii")
    if label != "CERTIFICATE" or block["end"] != block["label"]:
        raise InvalidCertificate(
            _n("A block is marked “%(label)s”, and only “CERTIFICATE” can be read here."),
            field=field,
            label=label,
        )
    try:
        return base64.b64decode(b"".join(block["body"].split()), validate=True)
    except binascii.Error as error:
        raise InvalidCertificate(
            _n(
                "A PEM block is damaged: its text is not base64. Copy the certificate again, whole."
            ),
            field=field,
        ) from error


def _facts(der: bytes, *, field: str) -> CertificateFacts:
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise InvalidCertificate(
            _n("One certificate is %(size)d bytes long; more than %(limit)d are not read."),
            field=field,
            size=len(der),
            limit=MAX_CERTIFICATE_BYTES,
        )
    try:
        certificate = x509.load_der_x509_certificate(der)
        canonical = certificate.public_bytes(Encoding.DER) == der
        facts = certificate_facts(certificate)
    except LIBRARY_ERRORS as error:
        raise _unreadable(error, field=field) from error
    if not canonical:
        raise InvalidCertificate(
            _n(
                "The certificate reads differently when it is written again, so programs may "
                "disagree about it."
            ),
            field=field,
        )
    return facts


def _unreadable(error: Exception, *, field: str) -> InvalidCertificate:
    reason = str(error).rstrip(".")
    if "asn1" in reason.lower() or not reason:  # the parser's own diagnosis is for programmers
        return InvalidCertificate(
            _n(
                "This is not a certificate: its structure is broken. It may be cut off, changed, "
                "or another kind of file."
            ),
            field=field,
        )
    return InvalidCertificate(
        _n("This certificate cannot be read: %(reason)s."), field=field, reason=reason[:200]
    )
