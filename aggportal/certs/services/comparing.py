"""A signing request beside what would be issued for it, for a page: differences, refusals and
cautions.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.lanes import neighbours
from aggportal.certs.services.received import Decision, compare_request, plan_request
from aggportal.certs.signing_configs import config_of
from aggportal.pki.comparing import Difference
from aggportal.pki.csrplanning import request_spec_of
from aggportal.pki.csrreading import CsrFacts
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import (
    Caution,
    Explanation,
    Issuing,
    explain,
    explain_problems,
)
from aggportal.pki.lanes import Danger
from aggportal.pki.reading import read_certificate


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What a page shows. Where it is refused there are refusals alone.

    `dangers` are what an administrator may let pass, `let_pass` tells that one does.

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
    same_key: tuple[Certificate, ...] = ()


def comparison_of(
    authority: Authority, csr: CsrFacts, decision: Decision, *, now: dt.datetime
) -> Comparison:
    """Compare what `csr` asks for with what `authority` would issue; never raises a refusal."""
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
        same_key=tuple(same_key),
    )


def _explanation(
    authority: Authority, csr: CsrFacts, decision: Decision, *, now: dt.datetime
) -> Explanation:
    return explain(
        plan_request(authority, csr, decision, now=now),
        spec=request_spec_of(csr, changes=decision.changes),
        profile=config_of(authority).profile(decision.profile),
        authority=Issuing(
            certificate=read_certificate(authority.certificate_pem),
            lane=authority.lane,  # type: ignore[arg-type]  # the model's choices are the core's lanes
            allowed_names=authority.proxy_names,
            others=neighbours(but=authority, now=now),
        ),
        now=now,
        let_pass=bool(decision.override_reason.strip()),
    )
