"""From a signing request to a plan: the requester decides subject, names and key, the profile all
else.

As cfssl's `sign`: hosts that are given replace the request's names, none keep them, an empty list
clears them; a subject that is given replaces the request's. Strict mode departs where cfssl trusts
the request too far: an extension that the profile decides is never copied, and names must be ones
that a verifier can match.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from aggportal.pki.csrfacts import CsrFacts
from aggportal.pki.errors import (
    InvalidField,
    InvalidHost,
    MissingSubject,
    PkiError,
    WantsAuthority,
    require_no_problems,
)
from aggportal.pki.extensions import DECIDED_HERE, DELEGATION_USAGE
from aggportal.pki.facts import common_name
from aggportal.pki.fields import text_problem, unseen_characters
from aggportal.pki.hosts import MAX_HOSTS, SAN_ORDER, San, SanKind, classify_host, classify_hosts
from aggportal.pki.issuing import plan_wanted
from aggportal.pki.keys import key_spec_of
from aggportal.pki.names import build_subject
from aggportal.pki.plans import CertificatePlan, Issuer, Wanted
from aggportal.pki.profiles import Profile
from aggportal.pki.requests import UPPER_BOUNDS
from aggportal.pki.specs import NameEntry, RequestedExtension, RequestSpec
from aggportal.words import gettext_noop as _n

MAX_SUBJECT_VALUES = 50
MAX_VALUE = 1024
DELEGATION = DELEGATION_USAGE.oid.dotted_string
_ENTRY = {
    NameOID.COUNTRY_NAME: "country",
    NameOID.STATE_OR_PROVINCE_NAME: "state",
    NameOID.LOCALITY_NAME: "locality",
    NameOID.ORGANIZATION_NAME: "organization",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "organizational_unit",
}
_UPPER_BOUNDS = {
    NameOID.COUNTRY_NAME: 2,
    NameOID.COMMON_NAME: UPPER_BOUNDS["CN"],
    NameOID.STATE_OR_PROVINCE_NAME: UPPER_BOUNDS["ST"],
    NameOID.LOCALITY_NAME: UPPER_BOUNDS["L"],
    NameOID.ORGANIZATION_NAME: UPPER_BOUNDS["O"],
    NameOID.ORGANIZATIONAL_UNIT_NAME: UPPER_BOUNDS["OU"],
    NameOID.SERIAL_NUMBER: UPPER_BOUNDS["serialnumber"],
    NameOID.EMAIL_ADDRESS: UPPER_BOUNDS["E"],
}
_PLACES = (NameOID.STREET_ADDRESS, NameOID.POSTAL_CODE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What whoever decides gives in place of what was asked; None keeps it."""

    hosts: tuple[str, ...] | None = None
    subject: RequestSpec | None = None


NO_CHANGES = Changes()


def plan_from_csr(
    csr: CsrFacts,
    *,
    profile: Profile,
    issuer: Issuer,
    now: dt.datetime,
    compat: bool = False,
    changes: Changes = NO_CHANGES,
) -> CertificatePlan:
    """Plan the certificate that `profile` makes of `csr`, with `changes`.

    A request names no dates: in strict mode a life that the issuer's end cuts short ends there.
    Raises `WantsAuthority`, and a leaf of `PkiError` for the first rule that is broken.
    """
    if csr.is_ca and not profile.ca_constraint.is_ca:
        raise WantsAuthority(
            _n(
                "The request asks for an authority's certificate (CA:TRUE), and the profile "
                "%(profile)s makes none. Whoever held it could issue certificates in your name. "
                "Choose a profile for authorities, or ask for the request without CA:TRUE."
            ),
            field="profile",
            profile=profile.name,
        )
    subject = _subject(csr, compat=compat, changes=changes)
    sans = _sans(csr, compat=compat, changes=changes)
    if not compat and not list(subject) and not sans:
        raise MissingSubject(
            _n("The request has neither a subject nor names: nobody could be meant by it."),
            field="csr",
        )
    copied = copied_extensions(csr, profile, compat=compat)
    wanted = Wanted(
        subject=subject,
        common_name=common_name(subject),
        sans=sans,
        copied=copied,
        key=csr.key,
    )
    return plan_wanted(
        wanted,
        profile=profile,
        issuer=issuer,
        now=now,
        compat=compat,
        end_with_issuer=not compat,
    )


def copied_extensions(
    csr: CsrFacts, profile: Profile, *, compat: bool
) -> tuple[RequestedExtension, ...]:
    """Return what the certificate takes over as it is: with `copy_extensions` all that the profile
    does not decide; in compat the use of delegated credentials always, as cfssl does.
    """
    return tuple(
        extension
        for extension in csr.extensions
        if extension.oid not in DECIDED_HERE
        and (profile.copy_extensions or (compat and extension.oid == DELEGATION))
    )


def request_spec_of(csr: CsrFacts, *, changes: Changes = NO_CHANGES) -> RequestSpec:
    """Say in cfssl's CSR JSON what is asked for, with `changes`, as far as that can: attributes
    that cfssl does not know are left out.
    """
    named = changes.subject or subject_spec(csr.name)
    hosts = changes.hosts
    if hosts is None:
        hosts = tuple(value for kind, value in csr.sans if kind in SAN_ORDER)
    return RequestSpec(
        common_name=named.common_name,
        hosts=hosts,
        key=key_spec_of(csr.public_key),
        names=named.names,
        serial_number=named.serial_number,
    )


def subject_spec(name: x509.Name) -> RequestSpec:
    """Read a subject as cfssl does: what Go's pkix.Name has a field for, in its order."""
    cn, serial, entries = "", "", []
    for attribute in name:
        value = attribute.value
        if not isinstance(value, str):
            continue
        if attribute.oid == NameOID.COMMON_NAME:
            cn = value
        elif attribute.oid == NameOID.SERIAL_NUMBER:
            serial = value
        elif attribute.oid in _ENTRY:
            named = {_ENTRY[attribute.oid]: value}
            entries.append(NameEntry(**named))  # type: ignore[arg-type]  # text fields alone
        elif attribute.oid in _PLACES:
            entries.append(NameEntry(oid=((attribute.oid.dotted_string, value),)))
    return RequestSpec(common_name=cn, serial_number=serial, names=tuple(entries))


def _subject(csr: CsrFacts, *, compat: bool, changes: Changes) -> x509.Name:
    if changes.subject is not None:
        return build_subject(changes.subject, compat=compat)
    _require_readable_subject(csr.name, compat=compat)
    return build_subject(subject_spec(csr.name), compat=True) if compat else csr.name


def _require_readable_subject(name: x509.Name, *, compat: bool) -> None:
    if len(list(name)) > MAX_SUBJECT_VALUES:
        words = _n("The subject has more than %(limit)d values.")
        raise InvalidField(words, field="subject", limit=MAX_SUBJECT_VALUES)
    for attribute in name:
        _require_readable_value(attribute, compat=compat)


def _require_readable_value(attribute: x509.NameAttribute[str | bytes], *, compat: bool) -> None:
    """Refuse what is no text, what cannot be seen, and in strict mode what is too long (RFC 5280
    appendix A.1).
    """
    value, named = attribute.value, attribute.rfc4514_attribute_name
    if not isinstance(value, str):
        words = _n("The subject's attribute %(name)s is no text.")
        raise InvalidField(words, field="subject", name=named)
    limit = MAX_VALUE if compat else _UPPER_BOUNDS.get(attribute.oid, MAX_VALUE)
    if not value.strip() or len(value) > limit:
        words = _n("The subject's attribute %(name)s must have 1 to %(limit)d characters.")
        raise InvalidField(words, field="subject", name=named, limit=limit)
    problem = text_problem(value, field="subject")
    if problem:
        raise problem


def _sans(csr: CsrFacts, *, compat: bool, changes: Changes) -> tuple[San, ...]:
    if changes.hosts is not None:
        return classify_hosts(changes.hosts, compat=compat)
    kept = [(kind, value) for kind, value in csr.sans if kind in SAN_ORDER]
    if len(csr.sans) > MAX_HOSTS:
        words = _n(
            "%(count)d hosts are too many for one certificate; at most %(limit)d are accepted."
        )
        raise InvalidHost(words, field="hosts", count=len(csr.sans), limit=MAX_HOSTS)
    sans = _checked(kept, compat=compat)
    ordered = sorted(sans, key=lambda san: SAN_ORDER.index(san.kind))
    return tuple(ordered if compat else dict.fromkeys(ordered))


def _checked(pairs: Sequence[tuple[str, str]], *, compat: bool) -> list[San]:
    problems: list[PkiError] = []
    sans = []
    for kind, value in pairs:
        try:
            sans.append(_san(kind, value, compat=compat))
        except InvalidHost as refused:
            problems.append(refused)
    require_no_problems(problems)
    return sans


def _san(kind: str, value: str, *, compat: bool) -> San:
    """Take a name over with its kind. Strict mode refuses one that would read as another kind; a
    network where an address is wanted is refused in compat too.
    """
    san = San(kind=_kind(kind), value=value)
    if compat and kind != "ip" and value and not unseen_characters(value):
        return san
    read = classify_host(value, compat=compat, field="hosts")
    if read != san:
        words = _n(
            "The request's name %(value)s is marked as %(kind)s and reads as %(other)s. Clients "
            "disagree about such names; replace it."
        )
        raise InvalidHost(words, field="hosts", value=value, kind=kind, other=read.kind)
    return san


def _kind(text: str) -> SanKind:
    return next(kind for kind in SAN_ORDER if kind == text)
