"""What one certificate says, as plain values that a page can show and a rule can ask.

`certificate_facts` touches every property that `cryptography` decodes lazily, so that a certificate
which reads well once reads well for ever. Names follow cfssl (usages) and people ("ECDSA P-256");
identifiers are lowercase hex.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from aggportal.pki.names import format_subject
from aggportal.pki.usages import EXTENDED_KEY_USAGES, KEY_USAGES

# What `cryptography` was seen to raise on hostile certificates, early or from a lazy property.
LIBRARY_ERRORS = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateFacts:
    """One certificate, read whole.

    `subject` and `issuer` stand in encoded order (cfssl's: C, ST, L, O, OU, CN), values escaped as
    in RFC 4514. `sans` are (kind, value) pairs of kind dns, ip, email, uri or, where neither,
    other. Usages are cfssl's names, unknown ones dotted. Times are aware, UTC. `serial`, `ski`,
    `aki` and the digests are lowercase hex, empty when absent.
    """

    subject: str
    issuer: str
    common_name: str
    organizations: tuple[str, ...]
    serial: str
    not_before: dt.datetime
    not_after: dt.datetime
    sans: tuple[tuple[str, str], ...]
    key_usages: tuple[str, ...]
    extended_usages: tuple[str, ...]
    is_ca: bool
    path_length: int | None
    key: str
    signature: str
    sha256: str
    sha1: str
    spki_sha256: str
    ski: str
    aki: str
    self_signed: bool
    der: bytes = field(repr=False)
    pem: str = field(repr=False)

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the subject alternative names of one kind, in encoded order."""
        return tuple(value for found, value in self.sans if found == kind)


def certificate_facts(certificate: x509.Certificate) -> CertificateFacts:
    """Read every field of `certificate`.

    Raises any of `LIBRARY_ERRORS`; `reading` turns them into words.
    """
    constraints = extension_of(certificate, x509.BasicConstraints)
    der = certificate.public_bytes(Encoding.DER)
    return CertificateFacts(
        subject=format_subject(certificate.subject),
        issuer=format_subject(certificate.issuer),
        common_name=common_name(certificate.subject),
        organizations=_values(certificate.subject, NameOID.ORGANIZATION_NAME),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sans=san_pairs(extension_of(certificate, x509.SubjectAlternativeName)),
        key_usages=key_usage_names(extension_of(certificate, x509.KeyUsage)),
        extended_usages=extended_usage_names(extension_of(certificate, x509.ExtendedKeyUsage)),
        is_ca=constraints is not None and constraints.ca,
        path_length=constraints.path_length if constraints else None,
        key=key_text(certificate.public_key()),
        signature=signature_text(certificate),
        sha256=hashlib.sha256(der).hexdigest(),
        sha1=hashlib.sha1(der, usedforsecurity=False).hexdigest(),
        spki_sha256=_spki_sha256(certificate.public_key()),
        ski=_ski(certificate),
        aki=_aki(certificate),
        self_signed=is_issued_by(certificate, certificate),
        der=der,
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
    )


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether the names match and `issuer`'s key made the signature (cryptographically,
    nothing assumed).
    """
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*LIBRARY_ERRORS, InvalidSignature):
        return False
    return True


def common_name(name: x509.Name) -> str:
    """Return the last CN, as Go and so Kubernetes reads it; empty when there is none."""
    return next(reversed(_values(name, NameOID.COMMON_NAME)), "")


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    values = (attribute.value for attribute in name.get_attributes_for_oid(oid))
    return tuple(value if isinstance(value, str) else value.hex() for value in values)


_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def key_text(key: CertificatePublicKeyTypes) -> str:
    """Name a public key as people do: `RSA 2048`, `ECDSA P-256`, `Ed25519`."""
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"ECDSA {_CURVES.get(key.curve.name, key.curve.name)}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey")


_SIGNATURES = {
    SignatureAlgorithmOID.RSA_WITH_MD5: "RSA with MD5",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "RSA with SHA-1",
    SignatureAlgorithmOID.RSA_WITH_SHA224: "RSA with SHA-224",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "RSA with SHA-256",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "RSA with SHA-384",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "RSA with SHA-512",
    SignatureAlgorithmOID.RSASSA_PSS: "RSA-PSS",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "ECDSA with SHA-1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA224: "ECDSA with SHA-224",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ECDSA with SHA-256",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "ECDSA with SHA-384",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "ECDSA with SHA-512",
    SignatureAlgorithmOID.ED25519: "Ed25519",
    SignatureAlgorithmOID.ED448: "Ed448",
}


def signature_text(certificate: x509.Certificate) -> str:
    """Name the signature algorithm (`ECDSA with SHA-256`); unnamed ones stay dotted."""
    oid = certificate.signature_algorithm_oid
    digest = (
        certificate.signature_hash_algorithm if oid == SignatureAlgorithmOID.RSASSA_PSS else None
    )
    return signature_name(oid, digest)


def signature_name(oid: x509.ObjectIdentifier, digest: hashes.HashAlgorithm | None) -> str:
    """Name a signature algorithm; `digest` is what RSA-PSS carries among its parameters."""
    text = _SIGNATURES.get(oid, oid.dotted_string)
    return f"{text} with {digest.name.upper().replace('SHA', 'SHA-')}" if digest else text


def extension_of(certificate: x509.Certificate, kind: type[ExtensionT]) -> ExtensionT | None:
    """Return one extension's value, or None when the certificate has none of that kind."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_SAN_KINDS: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "dns",
    x509.IPAddress: "ip",
    x509.RFC822Name: "email",
    x509.UniformResourceIdentifier: "uri",
}


def san_pairs(sans: x509.SubjectAlternativeName | None) -> tuple[tuple[str, str], ...]:
    """Return (kind, value) of each name, in encoded order."""
    return tuple((_SAN_KINDS.get(type(name), "other"), _san_value(name)) for name in sans or ())


def _san_value(name: x509.GeneralName) -> str:
    match name:
        case x509.DirectoryName():
            return format_subject(name.value)
        case x509.OtherName():
            return f"{name.type_id.dotted_string}:{name.value.hex()}"
        case x509.RegisteredID():
            return name.value.dotted_string
    return str(name.value)


def key_usage_names(usage: x509.KeyUsage | None) -> tuple[str, ...]:
    """Return cfssl's names of the key usages, in the extension's bit order."""
    if usage is None:
        return ()
    # Without key agreement the two "only" bits mean nothing, and raise (RFC 5280 section 4.2.1.3).
    told = (n for n in KEY_USAGES if usage.key_agreement or not n.endswith(" only"))
    found = (name for name in told if getattr(usage, KEY_USAGES[name]))
    return tuple(found)


_EXTENDED_USAGES = {oid: name for name, oid in EXTENDED_KEY_USAGES.items()}


def extended_usage_names(usages: x509.ExtendedKeyUsage | None) -> tuple[str, ...]:
    """Return cfssl's names of the extended key usages, unknown ones dotted."""
    return tuple(_EXTENDED_USAGES.get(u, u.dotted_string) for u in usages or ())


def _ski(certificate: x509.Certificate) -> str:
    identifier = extension_of(certificate, x509.SubjectKeyIdentifier)
    return identifier.digest.hex() if identifier else ""


def _aki(certificate: x509.Certificate) -> str:
    identifier = extension_of(certificate, x509.AuthorityKeyIdentifier)
    return (identifier.key_identifier or b"").hex() if identifier else ""


def _spki_sha256(key: CertificatePublicKeyTypes) -> str:
    return hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()
