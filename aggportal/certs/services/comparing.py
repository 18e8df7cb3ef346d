"""A signing request beside what would be issued for it, for a page: differences, refusals and
cautions.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from aggportal.certs.models import Authority, Certificate, SigningRequest
from aggportal.certs.services.explaining import issuing_by
from aggportal.certs.services.received import (
    Decision,
    compare_request,
    plan_request,
    plan_reserved,
)
from aggportal.certs.services.silences import silences_of_certificate
from aggportal.certs.services.two_people import digest_of_plan
from aggportal.certs.signing_configs import config_of
from aggportal.pki.cfssl_behaviours import Silence
from aggportal.pki.comparing import Difference
from aggportal.pki.csrplanning import request_spec_of
from aggportal.pki.csrreading import CsrFacts
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import (
    Caution,
    Explanation,
    explain,
    explain_problems,
    with_power_asked,
)
from aggportal.pki.lanes import Danger


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What a page shows. Where it is refused there are refusals alone.

    `dangers` are what may be let pass, names of power by two people, the others by an
    administrator; `let_pass` tells that somebody gave a reason for all of them. `two_people` tells
    that another person must approve it. `sha256` (hex) is of the bytes that would be signed for a
    request that waits.

    `signs_at_once` tells that the profile needs nobody's decision. `same_key` are certificates of
    ours for the very key.
    """

    csr: CsrFacts
    differences: tuple[Difference, ...] = ()
    refusals: tuple[Caution, ...] = ()
    cautions: tuple[Caution, ...] = ()
    signs_at_once: bool = False
    dangers: tuple[Danger, ...] = ()
    let_pass: bool = False
    two_people: bool = False
    sha256: str = ""
    same_key: tuple[Certificate, ...] = ()
    silences: tuple[Silence, ...] = ()


def comparison_of(
    authority: Authority,
    csr: CsrFacts,
    decision: Decision,
    *,
    now: dt.datetime,
    asked: SigningRequest | None = None,
) -> Comparison:
    """Compare what `csr` asks for with what `authority` would issue; never raises a refusal.

    `asked` is the waiting request of it.
    """
    try:
        differences = compare_request(authority, csr, decision, now=now)
        explanation = _explanation(authority, csr, decision, now=now)
        profile = config_of(authority).profile(decision.profile)
    except PkiError as refused:
        return Comparison(csr=csr, refusals=explain_problems(refused))
    same_key = Certificate.objects.filter(spki_sha256=csr.spki_sha256).order_by("-pk")[:3]
    return Comparison(
        csr=csr,
        differences=differences,
        cautions=explanation.warnings,
        signs_at_once=profile.auto_sign and not explanation.dangers,
        dangers=explanation.dangers,
        let_pass=explanation.let_pass,
        two_people=explanation.two_people,
        sha256=_digest(asked, csr, decision, now=now) if asked else "",
        same_key=tuple(same_key),
        silences=_silences(authority, csr, decision, now=now),
    )


def _digest(asked: SigningRequest, csr: CsrFacts, decision: Decision, *, now: dt.datetime) -> str:
    plan = plan_reserved(asked, decision, now=now)
    return digest_of_plan(asked.authority, plan, csr.public_key)


def _silences(
    authority: Authority, csr: CsrFacts, decision: Decision, *, now: dt.datetime
) -> tuple[Silence, ...]:
    changes = decision.changes
    spec = replace(request_spec_of(csr, changes=changes), extensions=csr.extensions)
    return silences_of_certificate(
        authority,
        spec,
        profile=decision.profile,
        compat=False,
        now=now,
        csr=csr if changes.subject is None else None,
    )


def _explanation(
    authority: Authority, csr: CsrFacts, decision: Decision, *, now: dt.datetime
) -> Explanation:
    let_pass = bool(decision.override_reason.strip())
    told = explain(
        plan_request(authority, csr, decision, now=now),
        spec=request_spec_of(csr, changes=decision.changes),
        profile=config_of(authority).profile(decision.profile),
        authority=issuing_by(authority, now=now),
        now=now,
        let_pass=let_pass,
    )
    asked = let_pass or decision.power_reason.strip()
    return with_power_asked(told, let_pass=let_pass) if asked else told
