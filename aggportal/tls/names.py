"""Distinguished names that came alone, as in a CertificateRequest, without a certificate around."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509

from aggportal.pki.facts import LIBRARY_ERRORS
from aggportal.pki.names import format_subject

# What stands around a subject in the smallest PKCS#10 request; its key is of zeros and is not used.
_KEY = bytes.fromhex("302a300506032b6570032100") + bytes(32)
_NO_ATTRIBUTES = bytes.fromhex("a000")
_SIGNATURE = bytes.fromhex("300506032b6570034100") + bytes(64)


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedName:
    """The name of a CA: its DER as it was sent, and as text (RFC 4514, encoded order)."""

    text: str
    der: bytes = field(repr=False)


def asked_name(der: bytes) -> AskedName:
    """Read a Name (RFC 5280 section 4.1.2.4). What nobody can read is shown as hex."""
    try:
        return AskedName(text=format_subject(_name(der)), der=der)
    except LIBRARY_ERRORS:
        return AskedName(text=der[:64].hex(":"), der=der)


def _name(der: bytes) -> x509.Name:
    """Parse a bare Name inside a request: `cryptography` reads none alone."""
    info = _sequence(bytes.fromhex("020100") + der + _KEY + _NO_ATTRIBUTES)
    return x509.load_der_x509_csr(_sequence(info + _SIGNATURE)).subject


def _sequence(body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes((0x30, len(body))) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes((0x30, 0x80 | size)) + len(body).to_bytes(size, "big") + body
