"""A signing request beside what would be issued for it, for a page: differences, refusals and
cautions.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.explaining import issuing_by
from aggportal.certs.services.received import Decision, compare_request, plan_request
from aggportal.certs.services.silences import silences_of_certificate
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
)
from aggportal.pki.lanes import Danger


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
    silences: tuple[Silence, ...] = ()


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
        silences=_silences(authority, csr, decision, now=now),
    )


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
    return explain(
        plan_request(authority, csr, decision, now=now),
        spec=request_spec_of(csr, changes=decision.changes),
        profile=config_of(authority).profile(decision.profile),
        authority=issuing_by(authority, now=now),
        now=now,
        let_pass=bool(decision.override_reason.strip()),
    )
