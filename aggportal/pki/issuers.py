"""What an authority's certificate tells those who plan certificates below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cryptography import x509

from aggportal.pki.constraints import all_constraints
from aggportal.pki.errors import InvalidCertificate
from aggportal.pki.keys import (
    PublicKey,
    key_spec_of,
    require_allowed_key,
    signature_hash_for,
    spki_sha256,
)
from aggportal.pki.plans import Issuer, Validity
from aggportal.words import gettext_noop as _n

ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)


def issuer_of(certificate: x509.Certificate, above: Sequence[x509.Certificate] = ()) -> Issuer:
    """Read what plans need from an authority's certificate; `above` are those above it, upwards,
    whose limits bind too. Raises `InvalidCertificate`, `InvalidKey`.
    """
    try:
        extensions = certificate.extensions
        subject, key = certificate.subject, certificate.public_key()
    except (ValueError, TypeError, x509.DuplicateExtension) as error:
        raise InvalidCertificate(_n("The authority's certificate cannot be read.")) from error
    key = require_allowed_key(key)
    constraints = _extension(extensions, x509.BasicConstraints)
    usage = _extension(extensions, x509.KeyUsage)
    identifier = _extension(extensions, x509.SubjectKeyIdentifier)
    return Issuer(
        subject=subject,
        subject_key_identifier=identifier.digest if identifier else key_identifier(key),
        validity=Validity(
            not_before=certificate.not_valid_before_utc, not_after=certificate.not_valid_after_utc
        ),
        is_ca=bool(constraints and constraints.ca) and (usage is None or usage.key_cert_sign),
        path_length=_path_length(certificate, above),
        signature_hash=signature_hash_for(key_spec_of(key)),
        spki_sha256=spki_sha256(key),
        constraints=all_constraints((certificate, *above)),
    )


def _path_length(certificate: x509.Certificate, above: Sequence[x509.Certificate]) -> int | None:
    """Return how many authorities the whole chain lets stand below `certificate`; None is any
    number. Those that issued themselves do not count (RFC 5280 section 6.1.4 (l)).
    """
    left: list[int] = []
    below = 0
    for step in (certificate, *above):
        constraints = _extension(step.extensions, x509.BasicConstraints)
        if constraints is not None and constraints.path_length is not None:
            left.append(constraints.path_length - below)
        below += step.subject != step.issuer
    return min(left, default=None)


def key_identifier(key: PublicKey) -> bytes:
    """Return SHA-1 of the key's bits (RFC 5280 section 4.2.1.2, method 1)."""
    return x509.SubjectKeyIdentifier.from_public_key(key).digest


def encode_name(name: x509.Name) -> bytes:
    """Return the DER of a name: the only equality that Go's and OpenSSL's chain building know."""
    return name.public_bytes()


def _extension(extensions: x509.Extensions, kind: type[ExtensionT]) -> ExtensionT | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
