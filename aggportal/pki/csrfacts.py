"""What one signing request asks for, as plain values that a page can show and a rule can ask."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

from aggportal.pki.facts import (
    common_name,
    extended_usage_names,
    key_text,
    key_usage_names,
    san_pairs,
    signature_name,
)
from aggportal.pki.keys import PublicKey, require_allowed_key, spki_sha256
from aggportal.pki.names import format_subject
from aggportal.pki.specs import RequestedExtension

ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)

# PKCS#9 attributes (RFC 2985) and others that programs put into requests.
_EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
SHOWN_ELSEWHERE = frozenset(
    (
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string,
        ExtensionOID.BASIC_CONSTRAINTS.dotted_string,
        ExtensionOID.KEY_USAGE.dotted_string,
        ExtensionOID.EXTENDED_KEY_USAGE.dotted_string,
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CsrFacts:
    """One signing request, read whole.

    `name` is its subject as the library's value, `subject` the same in encoded order. `sans` are
    (kind, value) pairs of kind dns, ip, email, uri or other. Usages are cfssl's names. `extensions`
    are those beside names, usages and basic constraints; `attributes` the dotted OIDs of PKCS#10
    attributes that carry no extensions (a challenge password). Digests are lowercase hex.
    """

    name: x509.Name
    subject: str
    common_name: str
    sans: tuple[tuple[str, str], ...]
    key_usages: tuple[str, ...]
    extended_usages: tuple[str, ...]
    is_ca: bool
    path_length: int | None
    extensions: tuple[RequestedExtension, ...]
    attributes: tuple[str, ...]
    public_key: PublicKey
    key: str
    signature: str
    sha256: str
    spki_sha256: str
    der: bytes = field(repr=False)
    pem: str = field(repr=False)


def csr_facts(csr: x509.CertificateSigningRequest) -> CsrFacts:
    """Read every field of `csr`. Raises any of `facts.LIBRARY_ERRORS`, and `InvalidKey`."""
    constraints = _extension(csr, x509.BasicConstraints)
    usage = _extension(csr, x509.KeyUsage)
    public_key = require_allowed_key(csr.public_key())
    der = csr.public_bytes(Encoding.DER)
    oid = csr.signature_algorithm_oid
    digest = csr.signature_hash_algorithm if oid == SignatureAlgorithmOID.RSASSA_PSS else None
    return CsrFacts(
        name=csr.subject,
        subject=format_subject(csr.subject),
        common_name=common_name(csr.subject),
        sans=san_pairs(_extension(csr, x509.SubjectAlternativeName)),
        key_usages=key_usage_names(usage),
        extended_usages=extended_usage_names(_extension(csr, x509.ExtendedKeyUsage)),
        is_ca=constraints is not None and constraints.ca,
        path_length=constraints.path_length if constraints else None,
        extensions=tuple(
            _requested(extension)
            for extension in csr.extensions
            if extension.oid.dotted_string not in SHOWN_ELSEWHERE
        ),
        attributes=tuple(
            attribute.oid.dotted_string
            for attribute in csr.attributes
            if attribute.oid.dotted_string != _EXTENSION_REQUEST
        ),
        public_key=public_key,
        key=key_text(public_key),
        signature=signature_name(oid, digest),
        sha256=hashlib.sha256(der).hexdigest(),
        spki_sha256=spki_sha256(public_key),
        der=der,
        pem=csr.public_bytes(Encoding.PEM).decode("ascii"),
    )


def _requested(extension: x509.Extension[x509.ExtensionType]) -> RequestedExtension:
    value = extension.value
    raw = value.value if isinstance(value, x509.UnrecognizedExtension) else value.public_bytes()
    return RequestedExtension(
        oid=extension.oid.dotted_string, critical=extension.critical, value=raw
    )


def _extension(csr: x509.CertificateSigningRequest, kind: type[ExtensionT]) -> ExtensionT | None:
    try:
        return csr.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
