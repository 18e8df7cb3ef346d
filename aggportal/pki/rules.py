"""What a plan must keep to, each rule a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from aggportal.pki.constrained import require_within_constraints
from aggportal.pki.errors import (
    InvalidField,
    MissingSubject,
    NameNotAllowed,
    NoUsage,
    OutlivesIssuer,
    PathLengthExceeded,
    UnsupportedProfile,
)
from aggportal.pki.extensions import DECIDED_HERE
from aggportal.pki.hosts import San
from aggportal.pki.keys import require_key_spec
from aggportal.pki.plans import CertificatePlan, Issuer, Validity
from aggportal.pki.profiles import Profile
from aggportal.pki.specs import RequestedExtension, RequestSpec, has_subject
from aggportal.pki.usages import extended_key_usages, fitting_key_usages, key_usages
from aggportal.pki.whitelist import compile_whitelist
from aggportal.words import gettext_noop as _n


def require_local_profile(profile: Profile) -> None:
    """Refuse profiles that cfssl would hand to another server, or whose rules we cannot keep."""
    elsewhere = {
        "remote": profile.remote,
        "auth_remote": profile.auth_remote,
        "ct_log_servers": profile.ct_log_servers,
        "auth_key": profile.auth_key,
    }
    for key, value in elsewhere.items():
        if value:
            words = _n(
                "The profile %(name)s has %(key)s, which needs another server; we sign here only."
            )
            raise UnsupportedProfile(words, field=key, name=profile.name, key=key)
    if profile.csr_whitelist:
        words = _n("The profile %(name)s has CSRWhitelist, which is not supported.")
        raise UnsupportedProfile(words, field="CSRWhitelist", name=profile.name)
    if profile.client_serials:
        words = _n("The profile %(name)s wants the serial number from the requester (cfssl 1400).")
        raise UnsupportedProfile(words, field="serial", name=profile.name)


def require_leaf_spec(spec: RequestSpec, profile: Profile, compat: bool) -> None:
    """Refuse what a request spec of an end certificate may not say."""
    if spec.ca is not None:
        words = _n("A ca section belongs to making an authority; the profile decides for others.")
        raise InvalidField(words, field="ca")
    require_no_extensions(spec, compat or profile.copy_extensions)
    if not compat and not spec.common_name.strip() and not has_subject(spec):
        raise MissingSubject(_n("Give a CN, or something in names."), field="CN")
    require_key_spec(spec.key)


def copied_of(spec: RequestSpec, profile: Profile) -> tuple[RequestedExtension, ...]:
    """Return the extensions of the spec's own CSR that the profile takes over."""
    if not profile.copy_extensions:
        return ()
    return tuple(one for one in spec.extensions if one.oid not in DECIDED_HERE)


def require_no_extensions(spec: RequestSpec, lets_pass: bool) -> None:
    """Refuse extensions of the spec's own unless something lets them pass."""
    if spec.extensions and not lets_pass:
        words = _n("Extensions come from the profile only; cfssl would silently leave these out.")
        raise InvalidField(words, field="extensions")


def decided_usages(
    profile: Profile, *, key: str, compat: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the key usages and extended key usages that a key of this description gets.

    In strict mode what such a key cannot do is left out; in compat an extended key usage that is
    written twice stands twice. Raises `NoUsage`, `InvalidField`.
    """
    usages = key_usages(profile.usages)
    extended = extended_key_usages(
        profile.as_written if compat else profile.usages, once=not compat
    )
    require_fitting_usages((*usages, *extended), is_ca=profile.ca_constraint.is_ca, compat=compat)
    if not compat:
        usages = fitting_key_usages(usages, key=key)
    if not usages and not extended:
        raise NoUsage(
            _n("The profile %(name)s allows no usage."), field="profile", name=profile.name
        )
    return usages, extended


def require_fitting_usages(usages: Sequence[str], *, is_ca: bool, compat: bool) -> None:
    """Refuse usages that contradict each other (RFC 5280 sections 4.2.1.3 and 4.2.1.9)."""
    half = {"encipher only", "decipher only"} & set(usages)
    if half and "key agreement" not in usages:
        words = _n("%(name)s means something beside key agreement only.")
        raise InvalidField(words, field="usages", name=half.pop())
    if compat:
        return
    if "timestamping" in usages and len(extended_key_usages(usages)) > 1:
        words = _n("timestamping stands alone among the extended key usages (RFC 3161).")
        raise InvalidField(words, field="usages")
    if is_ca and "cert sign" not in usages:
        words = _n("A profile for authorities needs the usage cert sign.")
        raise InvalidField(words, field="usages")
    if not is_ca and "cert sign" in usages:
        words = _n(
            "The usage cert sign is for authorities: set ca_constraint.is_ca, or take it away."
        )
        raise InvalidField(words, field="usages")


def require_names_allowed(pattern: str, *, common_name: str, sans: Sequence[San]) -> None:
    """Refuse names that `name_whitelist` does not match anywhere; as in cfssl it says nothing of IP
    addresses.
    """
    if not pattern:
        return
    whitelist = compile_whitelist(pattern)
    named = [("CN", common_name)] if common_name else []
    named += [("hosts", san.value) for san in sans if san.kind != "ip"]
    for field, name in named:
        if not whitelist.matches(name):
            words = _n("The profile's name_whitelist does not allow %(name)s.")
            raise NameNotAllowed(words, field=field, name=name)


def require_below(issuer: Issuer, plan: CertificatePlan) -> None:
    """Refuse what verifiers would refuse below `issuer`: its end, its depth, its constraints."""
    require_within_issuer(plan.validity, issuer=issuer.validity)
    require_path_length(issuer, is_ca=plan.is_ca, path_length=plan.path_length)
    require_within_constraints(issuer.constraints, subject=plan.subject, sans=plan.sans)


def require_within_issuer(validity: Validity, *, issuer: Validity) -> None:
    """Refuse a certificate that is valid outside its issuer's validity: it would fail with its
    issuer anyway.
    """
    if validity.not_after > issuer.not_after:
        words = _n(
            "The authority itself expires on %(issuer_end)s, before this certificate (%(end)s). "
            "Choose a shorter "
            "expiry, renew the authority, or ask for cfssl's behaviour (compat), which does not "
            "look."
        )
        raise OutlivesIssuer(
            words,
            field="expiry",
            issuer_end=f"{issuer.not_after:%Y-%m-%d %H:%M} UTC",
            end=f"{validity.not_after:%Y-%m-%d %H:%M} UTC",
        )


def require_path_length(issuer: Issuer, *, is_ca: bool, path_length: int | None) -> None:
    """Refuse an authority deeper than its issuer may have below itself; cfssl looks only if the CSR
    asks.
    """
    if issuer.path_length is not None and issuer.path_length < 0:
        words = _n(
            "The issuer stands deeper than the path length of an authority above it allows: "
            "verifiers refuse it, and whatever it signs."
        )
        raise PathLengthExceeded(words, field="profile")
    if not is_ca or issuer.path_length is None:
        return
    if issuer.path_length == 0:
        words = _n("The issuer's path length is 0: it may have no authority below itself.")
        raise PathLengthExceeded(words, field="ca_constraint")
    if path_length is None or path_length >= issuer.path_length:
        words = _n(
            "The issuer's path length is %(limit)d: give this authority a smaller one "
            "(max_path_len)."
        )
        raise PathLengthExceeded(
            words, field="ca_constraint.max_path_len", limit=issuer.path_length
        )
