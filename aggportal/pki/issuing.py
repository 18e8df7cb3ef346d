"""Plan, then sign: every field of a certificate is decided and can be shown before a key touches
it.

Field rules are cfssl's. Strict mode, the default, departs from them where cfssl's way is a defect:
the authority key identifier is always set, nothing outlives its issuer, an issuer's path length
binds. `compat` is cfssl's way to the byte.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.errors import (
    InvalidField,
    KeyMismatch,
    MissingSubject,
    NotAnAuthority,
)
from aggportal.pki.extensions import extensions_of
from aggportal.pki.hosts import San, classify_hosts, with_mails
from aggportal.pki.issuers import encode_name, key_identifier
from aggportal.pki.keys import (
    PrivateKey,
    PublicKey,
    describe_key,
    hash_algorithm,
    key_spec_of,
    require_allowed_key,
    require_key_spec,
    signature_hash_for,
    spki_sha256,
)
from aggportal.pki.names import build_subject, mails_of
from aggportal.pki.plans import CertificatePlan, Issuer, Wanted
from aggportal.pki.powernames import require_no_power_names
from aggportal.pki.profiles import CaConstraint, Profile
from aggportal.pki.rules import (
    copied_of,
    decided_usages,
    require_below,
    require_leaf_spec,
    require_local_profile,
    require_names_allowed,
    require_no_extensions,
)
from aggportal.pki.specs import CaSpec, RequestSpec, has_subject
from aggportal.pki.validities import (
    checked_validity,
    cut_at,
    not_after,
    not_before,
    profile_validity,
)
from aggportal.words import gettext_noop as _n

CA_EXPIRY = "43800h"
CA_USAGES = ("cert sign", "crl sign")


def plan_authority(spec: RequestSpec, *, now: dt.datetime, compat: bool = False) -> CertificatePlan:
    """Plan a self-signed authority, as `cfssl gencert -initca` makes it.

    Raises `MissingSubject`, `InvalidField` and what host and duration reading raise.
    """
    if not has_subject(spec):
        words = _n("An authority needs a CN, or something in every entry of names.")
        raise MissingSubject(words, field="CN")
    if spec.delegation_enabled:
        words = _n("Delegated credentials are for servers' certificates, not for an authority.")
        raise InvalidField(words, field="delegation_enabled")
    require_no_extensions(spec, compat)
    require_key_spec(spec.key)
    ca = spec.ca or CaSpec()
    subject = build_subject(spec, compat=compat)
    begin = not_before(now, ca.backdate, field="ca.backdate")
    end = not_after(begin, ca.expiry or CA_EXPIRY, field="ca.expiry")
    sans = _ca_sans(spec, compat)
    sans = sans if compat else with_mails(sans, mails_of(subject))
    return CertificatePlan(
        profile="",
        compat=compat,
        self_signed=True,
        subject=subject,
        issuer=subject,
        serial=new_serial(),
        validity=checked_validity(begin, end),
        key_usages=CA_USAGES,
        extended_key_usages=(),
        is_ca=True,
        path_length=_path_length(ca.pathlen, ca.pathlenzero),
        subject_key_identifier=None,
        has_authority_key_identifier=not compat,
        authority_key_identifier=None,
        sans=sans,
        sans_critical=False,
        signature_hash=signature_hash_for(spec.key),
        crl_url=spec.crl_url,
        key=str(spec.key),
        name_constraints=ca.name_constraints,
    )


def plan_certificate(
    spec: RequestSpec,
    *,
    profile: Profile,
    issuer: Issuer,
    now: dt.datetime,
    compat: bool = False,
    end_with_issuer: bool = False,
) -> CertificatePlan:
    """Plan a certificate that `issuer` signs under `profile` (take it from
    `SigningConfig.profile`).

    `end_with_issuer` cuts a longer life at the issuer's own end instead of refusing it.
    Raises a leaf of `PkiError` for the first rule that is broken.
    """
    require_local_profile(profile)
    require_leaf_spec(spec, profile, compat)
    wanted = Wanted(
        subject=build_subject(spec, compat=compat),
        common_name=spec.common_name,
        sans=classify_hosts(spec.hosts, compat=compat),
        delegation=spec.delegation_enabled,
        copied=copied_of(spec, profile),
        key=str(spec.key),
    )
    return plan_wanted(
        wanted,
        profile=profile,
        issuer=issuer,
        now=now,
        compat=compat,
        end_with_issuer=end_with_issuer,
    )


def plan_wanted(
    wanted: Wanted,
    *,
    profile: Profile,
    issuer: Issuer,
    now: dt.datetime,
    compat: bool = False,
    end_with_issuer: bool = False,
) -> CertificatePlan:
    """Plan what profile and issuer make of `wanted`, whose parts were checked before."""
    require_local_profile(profile)
    if not issuer.is_ca:
        raise NotAnAuthority(_n("The issuer's certificate is not an authority's."))
    usages, extended = decided_usages(profile, key=wanted.key, compat=compat)
    validity = profile_validity(profile, now)
    keyed = not compat or encode_name(wanted.subject) != encode_name(issuer.subject)
    plan = CertificatePlan(
        profile=profile.name,
        compat=compat,
        self_signed=False,
        subject=wanted.subject,
        issuer=issuer.subject,
        serial=new_serial(),
        validity=cut_at(validity, issuer.validity.not_after) if end_with_issuer else validity,
        key_usages=usages,
        extended_key_usages=extended,
        is_ca=profile.ca_constraint.is_ca,
        path_length=_constraint_path_length(profile.ca_constraint),
        subject_key_identifier=None,
        has_authority_key_identifier=keyed,
        authority_key_identifier=issuer.subject_key_identifier if keyed else None,
        sans=_allowed_sans(wanted, profile, compat),
        sans_critical=not list(wanted.subject),
        signature_hash=issuer.signature_hash,
        issuer_spki_sha256=issuer.spki_sha256,
        ocsp_url=profile.ocsp_url,
        issuer_urls=profile.issuer_urls,
        crl_url=profile.crl_url,
        policies=profile.policies,
        ocsp_no_check=profile.ocsp_no_check,
        delegation=wanted.delegation,
        copied=wanted.copied,
        key=wanted.key,
        name_constraints=wanted.name_constraints,
    )
    if not compat:
        require_below(issuer, plan)
    return plan


def _allowed_sans(wanted: Wanted, profile: Profile, compat: bool) -> tuple[San, ...]:
    """Return the names that the certificate gets; refuse those that the profile does not allow."""
    sans = wanted.sans
    require_names_allowed(profile.name_whitelist, common_name=wanted.common_name, sans=sans)
    if profile.ca_constraint.is_ca:
        sans = _sans_of_authority(sans, compat)
    return sans if compat else with_mails(sans, mails_of(wanted.subject))


def with_public_key(plan: CertificatePlan, public_key: PublicKey) -> CertificatePlan:
    """Return the plan with the key identifiers that follow from the subject's key, unless one is
    planned already.
    """
    ski = plan.subject_key_identifier or key_identifier(public_key)
    own_aki = ski if plan.has_authority_key_identifier and plan.self_signed else None
    return replace(
        plan,
        subject_key_identifier=ski,
        authority_key_identifier=own_aki or plan.authority_key_identifier,
        key=describe_key(public_key),
    )


def sign_certificate(
    plan: CertificatePlan,
    *,
    public_key: PublicKey,
    issuer_key: PrivateKey,
    allow_reserved: bool = False,
) -> x509.Certificate:
    """Sign exactly what the plan says.

    Raises `KeyMismatch` when `issuer_key` is not the planned issuer's, and `ReservedIdentity`;
    `allow_reserved` tells that two people granted names that are power.
    """
    require_no_power_names(plan.subject, plan.sans, allow=allow_reserved)
    require_allowed_key(public_key)
    _require_issuer_key(plan, public_key, issuer_key)
    builder = certificate_builder(plan, public_key)
    return builder.sign(issuer_key, hash_algorithm(plan.signature_hash))


def certificate_builder(plan: CertificatePlan, public_key: PublicKey) -> x509.CertificateBuilder:
    """Return every field that the plan says, for `public_key`, ready to be signed."""
    whole = with_public_key(plan, public_key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(whole.subject)
        .issuer_name(whole.issuer)
        .serial_number(whole.serial)
        .not_valid_before(whole.validity.not_before)
        .not_valid_after(whole.validity.not_after)
        .public_key(public_key)
    )
    ski = whole.subject_key_identifier or key_identifier(public_key)
    for extension, critical in extensions_of(whole, ski=ski, aki=whole.authority_key_identifier):
        builder = builder.add_extension(extension, critical)
    return builder


def certificate_pem(certificate: x509.Certificate) -> str:
    """Write a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _require_issuer_key(plan: CertificatePlan, public_key: PublicKey, key: PrivateKey) -> None:
    signer = require_allowed_key(key.public_key())
    expected = spki_sha256(public_key) if plan.self_signed else plan.issuer_spki_sha256
    if spki_sha256(signer) != expected:
        raise KeyMismatch(_n("The signing key is not the authority's."))
    spec = key_spec_of(signer)
    other = plan.self_signed and str(spec) != plan.key
    if other or signature_hash_for(spec) != plan.signature_hash:
        raise KeyMismatch(_n("The key is of another kind than was planned."), field="key")


def _ca_sans(spec: RequestSpec, compat: bool) -> tuple[San, ...]:
    """An authority has no names of hosts; in cfssl IP addresses slip through."""
    return _sans_of_authority(classify_hosts(spec.hosts, compat=compat), compat)


def _sans_of_authority(sans: tuple[San, ...], compat: bool) -> tuple[San, ...]:
    return tuple(san for san in sans if compat and san.kind == "ip")


def _constraint_path_length(constraint: CaConstraint) -> int | None:
    if not constraint.is_ca:
        return None
    return _path_length(constraint.max_path_len, constraint.max_path_len_zero)


def _path_length(length: int, zero: bool) -> int | None:
    return length if length or zero else None


def new_serial() -> int:
    """Return 20 random bytes, the top bit cleared, never zero (RFC 5280 section 4.1.2.2)."""
    serial = 0
    while not serial:
        serial = int.from_bytes(secrets.token_bytes(20)) & ((1 << 159) - 1)
    return serial
