"""What a signing request asks for beside what would be issued, every difference in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from aggportal.pki.csrfacts import CsrFacts
from aggportal.pki.csrplanning import DELEGATION, NO_CHANGES, Changes
from aggportal.pki.extensions import DECIDED_HERE
from aggportal.pki.hosts import SAN_ORDER
from aggportal.pki.names import format_subject
from aggportal.pki.plan_rows import KIND_NAMES
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.profiles import Profile
from aggportal.pki.request_oids import CHALLENGE_PASSWORD, named
from aggportal.pki.specs import RequestedExtension
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

Standing = Literal["same", "changed", "dropped", "added"]
_SHOWN_BYTES = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One line: `asked` and `given` are literal, `notes` say why they differ or that they do not.

    `key` is stable: subject, names, key, ca, key-usages, extended-usages, valid, profile, or a
    dotted OID.
    """

    key: str
    label: Sentence
    asked: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    standing: Standing = "same"
    notes: tuple[Sentence, ...] = ()


def compare(
    csr: CsrFacts, plan: CertificatePlan, *, profile: Profile, changes: Changes = NO_CHANGES
) -> tuple[Difference, ...]:
    """Compare a request with the plan that was made of it, in the order in which a person asks."""
    return (
        _subject(csr, plan, changes),
        _names(csr, plan, changes),
        _key(csr),
        _authority(csr, plan),
        _usages("key-usages", _say(_n("Key usages")), csr.key_usages, plan.key_usages),
        _usages(
            "extended-usages",
            _say(_n("Extended key usages")),
            csr.extended_usages,
            plan.extended_key_usages,
        ),
        *(_extension(extension, plan, profile) for extension in csr.extensions),
        *(_attribute(oid) for oid in csr.attributes),
        _validity(plan, profile),
        *_from_profile(plan),
    )


def asked_names(csr: CsrFacts) -> tuple[str, ...]:
    """Return the request's names with their kinds, as people read them."""
    return tuple(f"{KIND_NAMES.get(kind, kind)} {value}" for kind, value in csr.sans)


def _say(text: str, **params: object) -> Sentence:
    return Sentence(text=text, params=params)


def _standing(asked: Sequence[str], given: Sequence[str]) -> Standing:
    if sorted(asked) == sorted(given):
        return "same"
    if not given:
        return "dropped"
    return "changed" if asked else "added"


def _subject(csr: CsrFacts, plan: CertificatePlan, changes: Changes) -> Difference:
    given = format_subject(plan.subject)
    if changes.subject is not None:
        note = _say(_n("Replaced by whoever decides."))
    elif plan.subject == csr.name:
        note = _say(_n("Kept as it is."))
    else:
        note = _say(
            _n("Written anew in cfssl's order; attributes that cfssl does not know are left out.")
        )
    asked = (csr.subject,) if csr.subject else ()
    shown = (given,) if given else ()
    return Difference(
        key="subject",
        label=_say(_n("Subject")),
        asked=asked,
        given=shown,
        standing=_standing(asked, shown),
        notes=(note,),
    )


def _names(csr: CsrFacts, plan: CertificatePlan, changes: Changes) -> Difference:
    asked = asked_names(csr)
    given = tuple(f"{KIND_NAMES[san.kind]} {san.value}" for san in plan.sans)
    return Difference(
        key="names",
        label=_say(_n("Names")),
        asked=asked,
        given=given,
        standing=_standing(asked, given),
        notes=tuple(_names_notes(csr, plan, changes)),
    )


def _names_notes(csr: CsrFacts, plan: CertificatePlan, changes: Changes) -> Iterator[Sentence]:
    if changes.hosts is not None:
        yield _say(_n("Replaced by whoever decides."))
    elif plan.is_ca and csr.sans:
        yield _say(_n("An authority has no names of hosts: they are left out."))
    elif csr.sans:
        yield _say(
            _n("The request's names are kept, each once, in the order DNS, e-mail, IP, URI.")
        )
    else:
        yield _say(_n("None asked for, none given: the CN is never made a name."))
    if changes.hosts is None and any(kind not in SAN_ORDER for kind, _value in csr.sans):
        yield _say(
            _n("Names of other kinds (directory names, registered ids, other names) are left out.")
        )


def _key(csr: CsrFacts) -> Difference:
    return Difference(
        key="key",
        label=_say(_n("Key")),
        asked=(csr.key,),
        given=(csr.key,),
        notes=(
            _say(
                _n("The certificate is for the requester's own key; its private half stays there.")
            ),
        ),
    )


def _authority(csr: CsrFacts, plan: CertificatePlan) -> Difference:
    asked = _constraint_text(csr.is_ca, csr.path_length)
    given = _constraint_text(plan.is_ca, plan.path_length)
    if plan.is_ca and not csr.is_ca:
        note = _say(_n("The profile makes authorities, though the request does not ask for one."))
    elif plan.is_ca and csr.path_length != plan.path_length:
        note = _say(_n("The profile decides how many authorities may stand below."))
    elif plan.is_ca:
        note = _say(_n("The profile allows it: whoever holds it can issue certificates."))
    else:
        note = _say(_n("It cannot sign certificates."))
    standing: Standing = "same" if asked == given else "changed"
    return Difference(
        key="ca",
        label=_say(_n("CA")),
        asked=(asked,),
        given=(given,),
        standing=standing,
        notes=(note,),
    )


def _constraint_text(is_ca: bool, path_length: int | None) -> str:
    if not is_ca:
        return "CA:FALSE"
    return "CA:TRUE" if path_length is None else f"CA:TRUE, pathlen:{path_length}"


def _usages(
    key: str, label: Sentence, asked: tuple[str, ...], given: tuple[str, ...]
) -> Difference:
    dropped = [usage for usage in asked if usage not in given]
    added = [usage for usage in given if usage not in asked]
    notes = []
    if not asked:
        notes.append(_say(_n("The request asks for none; the profile decides.")))
    else:
        if dropped:
            text = _n("Left out, since the profile does not allow it: %(usages)s.")
            notes.append(_say(text, usages=", ".join(dropped)))
        if added:
            text = _n("Added by the profile: %(usages)s.")
            notes.append(_say(text, usages=", ".join(added)))
    return Difference(
        key=key,
        label=label,
        asked=asked,
        given=given,
        standing=_standing(asked, given),
        notes=tuple(notes),
    )


def _extension(
    extension: RequestedExtension, plan: CertificatePlan, profile: Profile
) -> Difference:
    copied = extension in plan.copied
    value = _value_text(extension)
    return Difference(
        key=extension.oid,
        label=_say(_n("Extension %(oid)s"), oid=named(extension.oid)),
        asked=(value,),
        given=(value,) if copied else (),
        standing="same" if copied else "dropped",
        notes=(_extension_note(extension.oid, copied, profile),),
    )


def _extension_note(oid: str, copied: bool, profile: Profile) -> Sentence:
    if copied and oid == DELEGATION and not profile.copy_extensions:
        return _say(_n("Taken over as it is, as cfssl does even without copy_extensions."))
    if copied:
        return _say(_n("Taken over as it is: the profile has copy_extensions."))
    if oid in DECIDED_HERE:
        return _say(_n("Left out: authority and profile decide this, a request never does."))
    return _say(_n("Left out: the profile has no copy_extensions."))


def _value_text(extension: RequestedExtension) -> str:
    shown = extension.value[:_SHOWN_BYTES].hex(" ")
    more = " …" if len(extension.value) > _SHOWN_BYTES else ""
    return f"{'critical, ' if extension.critical else ''}{shown}{more}"


def _attribute(oid: str) -> Difference:
    note = _say(_n("An attribute of the request only; no certificate has it."))
    if oid == CHALLENGE_PASSWORD:
        note = _say(_n("Not looked at: a password in a request can be read by everybody."))
    return Difference(
        key=oid,
        label=_say(_n("Attribute %(oid)s"), oid=named(oid)),
        asked=("…",),
        standing="dropped",
        notes=(note,),
    )


def _validity(plan: CertificatePlan, profile: Profile) -> Difference:
    validity = plan.validity
    notes = [
        _say(
            _n("A request names no dates: the profile %(name)s decides (%(expiry)s)."),
            name=profile.name,
            expiry=profile.expiry or "not_after",
        )
    ]
    if not plan.compat:
        notes.append(_say(_n("It ends with the authority at the latest.")))
    return Difference(
        key="valid",
        label=_say(_n("Valid")),
        given=(f"{validity.not_before:%Y-%m-%d %H:%M} → {validity.not_after:%Y-%m-%d %H:%M} UTC",),
        standing="added",
        notes=tuple(notes),
    )


def _from_profile(plan: CertificatePlan) -> Iterator[Difference]:
    given = [f"OCSP {plan.ocsp_url}"] if plan.ocsp_url else []
    given += [f"caIssuers {url}" for url in plan.issuer_urls]
    given += [f"CRL {plan.crl_url}"] if plan.crl_url else []
    given += [f"policy {policy.oid}" for policy in plan.policies]
    given += ["ocspNoCheck"] if plan.ocsp_no_check else []
    if given:
        yield Difference(
            key="profile",
            label=_say(_n("From the profile")),
            given=tuple(given),
            standing="added",
            notes=(_say(_n("Every certificate under this profile has these.")),),
        )
