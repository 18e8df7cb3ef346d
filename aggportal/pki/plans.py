"""Plans: everything that is decided about a certificate before any key touches it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509

from aggportal.pki.hosts import San
from aggportal.pki.profiles import CertificatePolicy
from aggportal.pki.specs import RequestedExtension
from aggportal.pki.subtrees import NO_CONSTRAINTS, NameConstraints


@dataclass(frozen=True, kw_only=True, slots=True)
class Validity:
    """From and until when, both included, aware UTC datetimes of whole seconds."""

    not_before: dt.datetime
    not_after: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """What a plan needs to know of an authority's certificate; read it with
    `issuer_of(certificate)`.

    `path_length` None means unlimited; it is what the whole chain leaves, below zero where the
    issuer itself is deeper than one above allows. `constraints` are the whole chain's.
    `signature_hash` is SHA256, SHA384, SHA512, or empty for Ed25519.
    """

    subject: x509.Name
    subject_key_identifier: bytes
    validity: Validity
    is_ca: bool
    path_length: int | None
    signature_hash: str
    spki_sha256: str
    constraints: tuple[NameConstraints, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What whoever asks decides of a certificate; profile and issuer decide the rest.

    `common_name` is the one that a profile's `name_whitelist` looks at. `key` is its description.
    """

    subject: x509.Name
    common_name: str
    sans: tuple[San, ...]
    delegation: bool = False
    copied: tuple[RequestedExtension, ...] = ()
    key: str = ""
    name_constraints: NameConstraints = NO_CONSTRAINTS


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificatePlan:
    """Every field of a certificate to be. Nothing here depends on the subject's key but
    `subject_key_identifier`.

    `key_usages` and `extended_key_usages` are cfssl's canonical names. `subject_key_identifier` is
    None when no public key was known yet; it then is SHA-1 of the key's bits (RFC 5280 section
    4.2.1.2) at signing. `authority_key_identifier` is None when the extension is left out (cfssl's
    behaviour on equal names, `compat`) or when the plan is self-signed and the key unknown;
    `has_authority_key_identifier` tells which. `signature_hash` is SHA256, SHA384, SHA512, or empty
    for Ed25519. `path_length` None is no limit. `copied` are extensions taken over from a signing
    request as they are (`copy_extensions`).
    """

    profile: str
    compat: bool
    self_signed: bool
    subject: x509.Name
    issuer: x509.Name
    serial: int
    validity: Validity
    key_usages: tuple[str, ...]
    extended_key_usages: tuple[str, ...]
    is_ca: bool
    path_length: int | None
    subject_key_identifier: bytes | None
    has_authority_key_identifier: bool
    authority_key_identifier: bytes | None
    sans: tuple[San, ...]
    sans_critical: bool
    signature_hash: str
    issuer_spki_sha256: str = ""
    ocsp_url: str = ""
    issuer_urls: tuple[str, ...] = ()
    crl_url: str = ""
    policies: tuple[CertificatePolicy, ...] = ()
    ocsp_no_check: bool = False
    delegation: bool = False
    copied: tuple[RequestedExtension, ...] = ()
    key: str = ""
    name_constraints: NameConstraints = NO_CONSTRAINTS
