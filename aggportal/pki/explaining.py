"""What would be issued, in words: every field, what Kubernetes makes of it, and what to mend or to
know beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cryptography.x509.oid import NameOID

from aggportal.pki.advice_chain import CHAIN
from aggportal.pki.advice_names import NAMES, service_names
from aggportal.pki.advice_trust import TRUST
from aggportal.pki.cautions import Case, Caution, Issuing, Lane
from aggportal.pki.errors import InvalidHost, PkiError
from aggportal.pki.hosts import MAX_HOSTS, San, classify_host
from aggportal.pki.lanes import Danger, lane_dangers, reserved_dangers
from aggportal.pki.names import format_subject
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.profiles import Profile
from aggportal.pki.specs import RequestSpec
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

__all__ = [
    "Caution",
    "Explanation",
    "HostChip",
    "Issuing",
    "Lane",
    "Row",
    "explain",
    "explain_hosts",
    "explain_problems",
    "with_dangers",
]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The rows in the order in which a person asks, and the cautions, what must be mended first.

    `dangers` are those cautions that an administrator may let pass; `let_pass` tells that one does.
    """

    rows: tuple[Row, ...] = ()
    warnings: tuple[Caution, ...] = ()
    dangers: tuple[Danger, ...] = ()
    let_pass: bool = False

    @property
    def to_mend(self) -> tuple[Caution, ...]:
        return tuple(caution for caution in self.warnings if caution.severity == "mend")

    @property
    def to_know(self) -> tuple[Caution, ...]:
        return tuple(caution for caution in self.warnings if caution.severity == "know")

    def row(self, key: str) -> Row:
        """Return the row with this key (subject, issuer, valid, usages, names, …)."""
        return next(row for row in self.rows if row.key == key)


@dataclass(frozen=True, kw_only=True, slots=True)
class HostChip:
    """What one entry of `hosts` becomes: its `san`, or the `refusal`."""

    text: str
    san: San | None = None
    refusal: Sentence | None = None

    @property
    def kind(self) -> str:
        return KIND_NAMES[self.san.kind] if self.san else ""


def explain(
    plan: CertificatePlan,
    *,
    spec: RequestSpec,
    profile: Profile | None,
    authority: Issuing | None,
    now: dt.datetime,
    let_pass: bool = False,
) -> Explanation:
    """Explain a certificate before it is made.

    `profile` and `authority` are None when it signs itself. `let_pass` tells that an administrator
    gave a reason for letting dangers pass.
    """
    case = Case(
        plan=plan,
        spec=spec,
        profile=profile,
        authority=authority,
        now=now,
    )
    cautions = [caution for advice in (*NAMES, *TRUST, *CHAIN) for caution in advice(case)]
    explanation = Explanation(rows=tuple(_rows(case)), warnings=tuple(cautions))
    return with_dangers(explanation, _dangers(case), let_pass=let_pass)


def with_dangers(
    explanation: Explanation, dangers: Sequence[Danger], *, let_pass: bool
) -> Explanation:
    """Add what a trust lane forbids: to mend, or to know where it is let pass."""
    new = tuple(danger for danger in dangers if danger not in explanation.dangers)
    cautions = [
        Caution(
            severity="know" if let_pass else "mend",
            code=danger.code,
            field=danger.field,
            sentence=danger.sentence,
        )
        for danger in new
    ]
    return replace(
        explanation,
        warnings=_worst_first((*cautions, *explanation.warnings)),
        dangers=(*explanation.dangers, *new),
        let_pass=let_pass,
    )


def _dangers(case: Case) -> tuple[Danger, ...]:
    if case.authority is None:
        return reserved_dangers(case.plan.subject)
    return lane_dangers(case.lane, case.plan, others=case.authority.others)


def explain_problems(*errors: PkiError) -> tuple[Caution, ...]:
    """Turn refusals into cautions to mend, each leaf beside its own field."""
    leaves = (leaf for error in errors for leaf in error.problems)
    return tuple(
        Caution(severity="mend", code=leaf.code, field=leaf.field, sentence=leaf.sentence)
        for leaf in leaves
    )


def explain_hosts(hosts: Sequence[str], *, compat: bool = False) -> tuple[HostChip, ...]:
    """Tell of each host by itself what it becomes; entries beyond the limit are not looked at."""
    return tuple(_chip(host, compat=compat) for host in hosts[:MAX_HOSTS])


def _chip(host: str, *, compat: bool) -> HostChip:
    try:
        return HostChip(text=host, san=classify_host(host, compat=compat))
    except InvalidHost as refused:
        return HostChip(text=host, refusal=refused.sentence)


def _worst_first(cautions: Sequence[Caution]) -> tuple[Caution, ...]:
    return tuple(sorted(cautions, key=lambda caution: caution.severity != "mend"))


def _say(text: str, **params: object) -> Sentence:
    return Sentence(text=text, params=params)


def _rows(case: Case) -> Iterator[Row]:
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
    yield Row(key="key", label=_say(_n("Key")), values=(plan.key or str(case.spec.key),))
    yield Row(key="key-ids", label=_say(_n("Key ids")), notes=(_key_ids_note(plan),))
    yield Row(key="signature", label=_say(_n("Signature")), values=(_signature(case),))


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
