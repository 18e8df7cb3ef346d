"""The lines of "what will be issued": every field of a plan, and what Kubernetes makes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.x509.oid import NameOID

from aggportal.pki.advice_names import service_names
from aggportal.pki.cautions import Case
from aggportal.pki.names import format_subject
from aggportal.pki.plans import CertificatePlan
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_DAY = dt.timedelta(days=1)
KIND_NAMES = {"dns": "DNS", "ip": "IP", "email": "email", "uri": "URI"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of "what will be issued":

    `values` are literal, as in the certificate; `notes` say something of them.
    """

    key: str
    label: Sentence
    values: tuple[str, ...] = ()
    notes: tuple[Sentence, ...] = ()


def _say(text: str, **params: object) -> Sentence:
    return Sentence(text=text, params=params)


def plan_rows(case: Case) -> Iterator[Row]:
    """Yield the rows in the order in which a person asks."""
    plan = case.plan
    yield Row(key="subject", label=_say(_n("Subject")), values=(format_subject(plan.subject),))
    yield Row(
        key="issuer",
        label=_say(_n("Issuer")),
        values=(format_subject(plan.issuer),),
        notes=(_say(_n("itself")),) if plan.self_signed else (),
    )
    yield Row(
        key="valid",
        label=_say(_n("Valid")),
        values=(f"{_moment(plan.validity.not_before)} → {_moment(plan.validity.not_after)} UTC",),
        notes=tuple(_validity_notes(case)),
    )
    yield Row(
        key="usages",
        label=_say(_n("Usages")),
        values=(*plan.key_usages, *plan.extended_key_usages),
    )
    yield _names_row(case)
    yield Row(key="kubernetes", label=_say(_n("In Kubernetes")), notes=tuple(_kubernetes(case)))
    yield Row(key="ca", label=_say(_n("CA")), notes=(_authority_note(plan),))
    yield from _limit_rows(plan)
    yield Row(key="key", label=_say(_n("Key")), values=(plan.key or str(case.spec.key),))
    yield Row(key="key-ids", label=_say(_n("Key ids")), notes=(_key_ids_note(plan),))
    yield Row(key="signature", label=_say(_n("Signature")), values=(_signature(case),))


def _limit_rows(plan: CertificatePlan) -> Iterator[Row]:
    limits = plan.name_constraints
    if limits.permitted:
        values = tuple(map(str, limits.permitted))
        yield Row(key="permitted", label=_say(_n("May name only")), values=values)
    if limits.excluded:
        values = tuple(map(str, limits.excluded))
        yield Row(key="excluded", label=_say(_n("May never name")), values=values)


def _validity_notes(case: Case) -> Iterator[Sentence]:
    validity = case.plan.validity
    yield _length(validity.not_after - validity.not_before)
    if case.authority is None:
        return
    left = case.authority.certificate.not_after - validity.not_after
    if left <= -_DAY:
        yield _say(_n("ends %(days)d days after the authority does"), days=-left // _DAY)
    elif left < dt.timedelta():
        yield _say(_n("ends less than a day after the authority does"))
    elif left < _DAY:
        yield _say(_n("ends on the authority's last day"))
    else:
        yield _say(_n("ends %(days)d days before the authority does"), days=left // _DAY)


def _length(life: dt.timedelta) -> Sentence:
    if life < 3 * _DAY:
        return _say(_n("%(hours)d hours"), hours=life // dt.timedelta(hours=1))
    return _say(_n("%(days)d days"), days=life // _DAY)


def _names_row(case: Case) -> Row:
    values = tuple(f"{KIND_NAMES[san.kind]} {san.value}" for san in case.plan.sans)
    notes = () if values else (_say(_n("none")),)
    return Row(key="names", label=_say(_n("Names")), values=values, notes=notes)


def _kubernetes(case: Case) -> Iterator[Sentence]:
    if case.plan.is_ca:
        yield _say(_n("Whoever trusts it accepts every certificate that it signs."))
        return
    if case.serves and "server auth" in case.plan.extended_key_usages:
        yield from _as_server(case)
    if case.speaks and "client auth" in case.plan.extended_key_usages:
        yield _as_client(case)


def _as_server(case: Case) -> Iterator[Sentence]:
    names = service_names(case.host_names())
    if names:
        yield _say(
            _n("kube-apiserver checks one name only: service.namespace.svc. Covered: %(names)s."),
            names=", ".join(names),
        )
    else:
        yield _say(
            _n("kube-apiserver checks one name only: service.namespace.svc. None is covered.")
        )


def _as_client(case: Case) -> Sentence:
    if case.lane == "front-proxy":
        return _say(
            _n(
                "Extension API servers would take %(user)s for the front proxy and believe every "
                "user that it names."
            ),
            user=case.cn or '""',
        )
    if not case.cn:
        return _say(_n("Kubernetes would see nobody: the CN is the user name, and there is none."))
    organizations = case.plan.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if not organizations:
        return _say(_n("Kubernetes would see user %(user)s in no group of its own."), user=case.cn)
    return _say(
        _n("Kubernetes would see user %(user)s in groups %(groups)s."),
        user=case.cn,
        groups=", ".join(str(organization.value) for organization in organizations),
    )


def _authority_note(plan: CertificatePlan) -> Sentence:
    if not plan.is_ca:
        return _say(_n("no: it cannot sign certificates"))
    if plan.path_length is None:
        return _say(_n("yes, with any number of authorities below"))
    if plan.path_length == 0:
        return _say(_n("yes, with no further authority below"))
    return _say(_n("yes, with up to %(depth)d authorities below"), depth=plan.path_length)


def _key_ids_note(plan: CertificatePlan) -> Sentence:
    if plan.has_authority_key_identifier:
        return _say(_n("subject and authority key identifier set"))
    if plan.self_signed:
        return _say(_n("subject key identifier set"))
    return _say(_n("subject key identifier set; authority key identifier left out, as cfssl does"))


def _signature(case: Case) -> str:
    """Write as `facts` does: the signing key's family and the hash, which Ed25519 lacks."""
    signer = (
        case.authority.certificate.key if case.authority else case.plan.key or str(case.spec.key)
    )
    family = signer.partition(" ")[0]
    if not case.plan.signature_hash:
        return family
    return f"{family} with {case.plan.signature_hash.replace('SHA', 'SHA-')}"


def _moment(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
