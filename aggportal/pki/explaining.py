"""What would be issued, in words: every field, what Kubernetes makes of it, and what to mend or to
know beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggportal.pki.advice_chain import CHAIN
from aggportal.pki.advice_names import NAMES
from aggportal.pki.advice_trust import TRUST
from aggportal.pki.cautions import Case, Caution, Issuing
from aggportal.pki.errors import InvalidHost, PkiError
from aggportal.pki.hosts import MAX_HOSTS, San, classify_host
from aggportal.pki.lanes import Danger, Lane, lane_dangers, power_of, reserved_dangers
from aggportal.pki.plan_rows import KIND_NAMES, Row, plan_rows
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.profiles import Profile
from aggportal.pki.specs import RequestSpec
from aggportal.words import Sentence

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
    "with_power_asked",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The rows in the order in which a person asks, and the cautions, what must be mended first.

    `dangers` are those cautions that may be let pass: names of power by two people, the others by
    an administrator; `let_pass` tells that somebody gave a reason for all of them. `two_people`
    tells that another person must approve it.
    """

    rows: tuple[Row, ...] = ()
    warnings: tuple[Caution, ...] = ()
    dangers: tuple[Danger, ...] = ()
    let_pass: bool = False
    two_people: bool = False

    @property
    def power(self) -> tuple[Danger, ...]:
        """The dangers that are names of power."""
        return power_of(self.dangers)

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
    explanation = Explanation(rows=tuple(plan_rows(case)), warnings=tuple(cautions))
    told = with_dangers(explanation, _dangers(case), let_pass=let_pass)
    return replace(told, two_people=profile is not None and profile.two_people)


def with_dangers(
    explanation: Explanation, dangers: Sequence[Danger], *, let_pass: bool
) -> Explanation:
    """Add what a trust lane forbids: to mend, or to know where it is let pass. Names of power are
    to mend, whoever gives a reason; see `with_power_asked`.
    """
    new = tuple(danger for danger in dangers if danger not in explanation.dangers)
    cautions = [
        Caution(
            severity="know" if let_pass and not danger.is_power else "mend",
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
        let_pass=let_pass and not power_of((*explanation.dangers, *new)),
    )


def with_power_asked(explanation: Explanation, *, let_pass: bool) -> Explanation:
    """Tell of names of power what somebody gave a reason for: another person must approve them.

    `let_pass` tells that an administrator gave a reason for the other dangers.
    """
    power = explanation.power
    if not power:
        return explanation
    codes = {danger.code for danger in power}
    warnings = (
        replace(one, severity="know") if one.code in codes else one for one in explanation.warnings
    )
    return replace(
        explanation,
        warnings=_worst_first(tuple(warnings)),
        let_pass=let_pass or len(power) == len(explanation.dangers),
        two_people=True,
    )


def _dangers(case: Case) -> tuple[Danger, ...]:
    if case.authority is None:
        return reserved_dangers(case.plan.subject, case.plan.sans)
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
