"""What an authority would issue, in words, before it does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from aggportal.certs.models import Authority
from aggportal.certs.services.chains import issuer_for
from aggportal.certs.services.issuing import IssueChoices, plan_for
from aggportal.certs.services.lanes import neighbours
from aggportal.certs.signing_configs import config_of
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import (
    Explanation,
    Issuing,
    explain,
    explain_problems,
    with_power_asked,
)
from aggportal.pki.reading import read_certificate
from aggportal.pki.specs import RequestSpec


def explain_issue(
    authority: Authority,
    spec: RequestSpec | None,
    choices: IssueChoices,
    *,
    refused: Sequence[PkiError],
    now: dt.datetime,
) -> Explanation:
    """Explain what would be issued for `spec`; what was `refused` already comes first.

    Without a spec, or where the plan is refused too, there are refusals only.
    """
    mend = explain_problems(*refused)
    if spec is None:
        return Explanation(warnings=mend)
    try:
        explanation = _explanation(authority, spec, choices, now=now)
    except PkiError as planned:
        explanation = Explanation(warnings=explain_problems(planned))
    known = {(caution.field, str(caution)) for caution in mend}
    rest = [one for one in explanation.warnings if (one.field, str(one)) not in known]
    return replace(explanation, warnings=(*mend, *rest))


def _explanation(
    authority: Authority, spec: RequestSpec, choices: IssueChoices, *, now: dt.datetime
) -> Explanation:
    let_pass = bool(choices.override_reason.strip())
    told = explain(
        plan_for(authority, spec, choices, now=now),
        spec=spec,
        profile=config_of(authority).profile(choices.profile),
        authority=issuing_by(authority, now=now),
        now=now,
        let_pass=let_pass,
    )
    asked = let_pass or choices.power_reason.strip()
    return with_power_asked(told, let_pass=let_pass) if asked else told


def issuing_by(authority: Authority, *, now: dt.datetime) -> Issuing:
    """Return what an explanation looks at of the authority that would sign."""
    return Issuing(
        certificate=read_certificate(authority.certificate_pem),
        lane=authority.lane,  # type: ignore[arg-type]  # the model's choices are the core's lanes
        allowed_names=authority.proxy_names,
        others=neighbours(but=authority, now=now),
        issuer=issuer_for(authority),
    )
