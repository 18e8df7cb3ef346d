"""Where a frozen certificate stands, for its page: what would be signed, who asked, until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.certs.models import Proposal, SigningRequest
from aggportal.certs.services.approvals import open_proposal
from aggportal.certs.services.explaining import issuing_by
from aggportal.certs.services.held_plans import plan_held, spec_of
from aggportal.certs.services.two_people import SIGN, digest_of_plan
from aggportal.certs.signing_configs import config_of
from aggportal.pki.explaining import Explanation, explain, with_power_asked
from aggportal.pki.lanes import power_of
from aggportal.pki.plans import CertificatePlan
from aggportal.words import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldStanding:
    """`refusal` is why it could not be signed any more; `is_open` tells that it can be approved in
    time, `unchanged` that the bytes would come out as frozen. `explanation` is of what was
    described here.
    """

    proposal: Proposal | None = None
    is_open: bool = False
    unchanged: bool = False
    needs_administrator: bool = False
    explanation: Explanation | None = None
    refusal: RefusedError | None = None

    @property
    def can_be_approved(self) -> bool:
        return self.is_open and self.unchanged


def standing_of_held(request: SigningRequest, *, now: dt.datetime) -> HeldStanding:
    """Tell how a frozen request that waits stands at `now`."""
    proposal = open_proposal(SIGN, ("request", request.pk))
    is_open = proposal is not None and proposal.is_open(now=now)
    try:
        plan, public_key = plan_held(request)
        unchanged = digest_of_plan(request.authority, plan, public_key) == request.tbs_sha256
        explanation = _explained(request, plan)
    except RefusedError as refused:
        return HeldStanding(proposal=proposal, is_open=is_open, refusal=refused)
    return HeldStanding(
        proposal=proposal,
        is_open=is_open,
        unchanged=unchanged,
        needs_administrator=bool(power_of(explanation.dangers)),
        explanation=explanation,
    )


def _explained(request: SigningRequest, plan: CertificatePlan) -> Explanation:
    """Explain what was frozen; reasons were given for what is dangerous in it."""
    told = explain(
        plan,
        spec=spec_of(request),
        profile=config_of(request.authority).profile(request.profile),
        authority=issuing_by(request.authority, now=plan.validity.not_before),
        now=request.held_at or plan.validity.not_before,
        let_pass=True,
    )
    return with_power_asked(told, let_pass=True)
