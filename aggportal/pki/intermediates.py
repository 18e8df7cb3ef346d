"""Planning authorities that another authority signs: new ones, and ones that exist (cross-signing).

The request's own `ca` section decides life and path length, as with an authority that signs itself.
cfssl asks the issuer's profile instead, and passes over the section without a word.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from cryptography import x509

from aggportal.pki.constraints import constraints_of
from aggportal.pki.errors import (
    InvalidField,
    KeyMismatch,
    MissingSubject,
    NotAnAuthority,
    OutlivesIssuer,
    PathLengthExceeded,
    PkiError,
)
from aggportal.pki.facts import extension_of
from aggportal.pki.issuers import encode_name, key_identifier
from aggportal.pki.issuing import CA_EXPIRY, CA_USAGES, plan_wanted
from aggportal.pki.keys import describe_key, require_allowed_key, require_key_spec, spki_sha256
from aggportal.pki.names import build_subject
from aggportal.pki.plans import CertificatePlan, Issuer, Wanted
from aggportal.pki.profiles import CaConstraint, Profile
from aggportal.pki.specs import CaSpec, RequestSpec, has_subject
from aggportal.words import gettext_noop as _n

# What such certificates stand under in lists, and what the explanation calls it.
PROFILE = "intermediate"
CROSS_PROFILE = "cross-signed"
_FIELDS = {OutlivesIssuer: "ca.expiry", PathLengthExceeded: "ca.pathlen"}


def plan_intermediate(
    spec: RequestSpec,
    *,
    issuer: Issuer,
    addresses: Profile | None = None,
    now: dt.datetime,
    compat: bool = False,
) -> CertificatePlan:
    """Plan an authority that `issuer` signs. `addresses` is the issuer's profile whose URLs of
    revocation lists, OCSP and issuers go into it.

    Raises `MissingSubject`, `InvalidField`, `NameConstrained`, and in strict mode `OutlivesIssuer`
    and `PathLengthExceeded`, on `ca.expiry` and `ca.pathlen`.
    """
    if not has_subject(spec):
        words = _n("An authority needs a CN, or something in every entry of names.")
        raise MissingSubject(words, field="CN")
    if spec.delegation_enabled or (spec.extensions and not compat):
        words = _n("An authority's certificate takes no extensions from its request.")
        field = "delegation_enabled" if spec.delegation_enabled else "extensions"
        raise InvalidField(words, field=field)
    require_key_spec(spec.key)
    ca = spec.ca or CaSpec()
    subject = build_subject(spec, compat=compat)
    if encode_name(subject) == encode_name(issuer.subject):
        words = _n(
            "This is the very subject of the authority that signs. Programs would take the new one "
            "for self-signed: give it a CN of its own."
        )
        raise InvalidField(words, field="CN")
    wanted = Wanted(
        subject=subject,
        common_name="",
        sans=(),
        key=str(spec.key),
        name_constraints=ca.name_constraints,
    )
    profile = _profile(
        PROFILE,
        expiry=ca.expiry or CA_EXPIRY,
        backdate=ca.backdate,
        path_length=ca.pathlen if ca.pathlen or ca.pathlenzero else None,
        addresses=addresses,
    )
    try:
        return plan_wanted(wanted, profile=profile, issuer=issuer, now=now, compat=compat)
    except PkiError as refused:
        refused.field = _FIELDS.get(type(refused), refused.field)
        raise


def plan_cross(
    certificate: x509.Certificate,
    *,
    issuer: Issuer,
    expiry: str,
    addresses: Profile | None = None,
    now: dt.datetime,
    compat: bool = False,
) -> CertificatePlan:
    """Plan another certificate of an authority's same subject and key, signed by `issuer`: path
    length, name constraints and key identifier as it has them; it ends with either at the latest.

    Raises `NotAnAuthority`, `KeyMismatch` for the issuer itself, and what plans raise.
    """
    constraints = extension_of(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise NotAnAuthority(_n("This is not an authority's certificate."), field="by")
    key = require_allowed_key(certificate.public_key())
    if spki_sha256(key) == issuer.spki_sha256:
        raise KeyMismatch(_n("An authority cannot cross-sign itself."), field="by")
    wanted = Wanted(
        subject=certificate.subject,
        common_name="",
        sans=(),
        key=describe_key(key),
        name_constraints=constraints_of(certificate),
    )
    end = min(certificate.not_valid_after_utc, issuer.validity.not_after)
    profile = _profile(
        CROSS_PROFILE,
        expiry=expiry or CA_EXPIRY,
        path_length=constraints.path_length,
        addresses=addresses,
    )
    cut = replace(issuer, validity=replace(issuer.validity, not_after=end))
    plan = plan_wanted(
        wanted, profile=profile, issuer=cut, now=now, compat=compat, end_with_issuer=True
    )
    identifier = extension_of(certificate, x509.SubjectKeyIdentifier)
    ski = identifier.digest if identifier else key_identifier(key)
    return replace(plan, subject_key_identifier=ski)


def _profile(
    name: str,
    *,
    expiry: str,
    backdate: str = "",
    path_length: int | None,
    addresses: Profile | None,
) -> Profile:
    return Profile(
        name=name,
        usages=CA_USAGES,
        expiry=expiry,
        backdate=backdate,
        ca_constraint=CaConstraint(
            is_ca=True, max_path_len=path_length or 0, max_path_len_zero=path_length == 0
        ),
        ocsp_url=addresses.ocsp_url if addresses else "",
        crl_url=addresses.crl_url if addresses else "",
        issuer_urls=addresses.issuer_urls if addresses else (),
    )
