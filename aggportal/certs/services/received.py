"""Signing requests of others: what would be issued for them, and deciding exactly once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from django.db import transaction

from aggportal.accounts.roles import Role, require_actor_role
from aggportal.certs.models import (
    Authority,
    Certificate,
    Mode,
    SigningRequest,
    State,
)
from aggportal.certs.models.signing_requests import MAX_REASON
from aggportal.certs.services.approvals import ProposalOver, open_proposal, reject
from aggportal.certs.services.chains import issuer_for
from aggportal.certs.services.file_names import base_name_of
from aggportal.certs.services.intents import (
    Signed,
    record_failure,
    record_intent,
    store_certificate,
)
from aggportal.certs.services.lanes import require_certificate_lane
from aggportal.certs.services.requested_keys import require_unspent_key
from aggportal.certs.services.signers import signer_of
from aggportal.certs.services.signing import sign_plan
from aggportal.certs.services.two_people import (
    SIGN,
    digest_of_plan,
    drop_key,
    plan_changed,
    require_one_is_enough,
)
from aggportal.certs.signing_configs import config_of
from aggportal.ledger.services import record
from aggportal.pki.comparing import Difference, compare
from aggportal.pki.csrplanning import NO_CHANGES, Changes, plan_from_csr
from aggportal.pki.csrreading import CsrFacts, read_csr
from aggportal.pki.facts import common_name
from aggportal.pki.names import format_subject
from aggportal.pki.plans import CertificatePlan
from aggportal.vault.errors import VaultError
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class AlreadyDecided(RefusedError):
    """Somebody else decided on this request before."""

    code = "already-decided"


class NeedsReason(RefusedError):
    """A refusal must say why."""

    code = "needs-reason"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """How to sign: under which profile, and what to give in place of what was asked.

    `override_reason` lets pass what the authority's trust lane forbids; only an administrator may
    give it. `power_reason` says why a name that is power is asked for, which two people let pass.
    """

    profile: str
    changes: Changes = NO_CHANGES
    override_reason: str = ""
    power_reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What whoever decides looked at: planned as of `at`, the SHA-256 (hex) of its bytes."""

    at: dt.datetime
    sha256: str


def plan_request(
    authority: Authority, csr: CsrFacts, decision: Decision, *, now: dt.datetime
) -> CertificatePlan:
    """Decide every field of the certificate that would be issued for `csr`.

    Raises what the core refuses, and `InvalidKey` for a key that belongs to an authority of ours or
    is known to be compromised.
    """
    require_unspent_key(csr)
    return plan_from_csr(
        csr,
        profile=config_of(authority).profile(decision.profile),
        issuer=issuer_for(authority),
        now=now,
        compat=authority.mode == Mode.COMPAT,
        changes=decision.changes,
    )


def plan_reserved(
    request: SigningRequest, decision: Decision, *, now: dt.datetime
) -> CertificatePlan:
    """Plan with the serial that is reserved for `request`. Raises as `plan_request`."""
    plan = plan_request(request.authority, csr_of(request), decision, now=now)
    return replace(plan, serial=int(request.serial, 16))


def compare_request(
    authority: Authority, csr: CsrFacts, decision: Decision, *, now: dt.datetime
) -> tuple[Difference, ...]:
    """Tell what `csr` asks for beside what `decision` would issue. Raises as `plan_request`."""
    return compare(
        csr,
        plan_request(authority, csr, decision, now=now),
        profile=config_of(authority).profile(decision.profile),
        changes=decision.changes,
    )


def sign_request(
    request: SigningRequest,
    decision: Decision,
    *,
    by: Actor,
    now: dt.datetime,
    seen: Seen | None = None,
    role: Role = Role.APPROVER,
) -> Certificate:
    """Sign a waiting request, exactly once; where a person decides, exactly what was `seen`.

    `role` is what `by` must hold on the authority; dangers only administrators let pass. Raises
    what the core refuses before anything is decided, `NeedsTwoPeople`, `PlanChanged` and
    `AlreadyDecided`. The claim and the intent are committed before the authority's key is opened.
    """
    authority, csr = request.authority, csr_of(request)
    require_one_is_enough(authority, decision.profile)
    plan = plan_reserved(request, decision, now=seen.at if seen else now)
    if seen and digest_of_plan(authority, plan, csr.public_key) != seen.sha256:
        raise plan_changed()
    passed = require_certificate_lane(
        authority, plan, override_reason=decision.override_reason, now=now
    )
    if passed.reason:
        require_actor_role(by, Role.ADMINISTRATOR, on=authority.scope)
    request.override_reason = passed.reason
    _claim_for_signing(request, plan, by=by, now=now, role=role)
    try:
        with signer_of(authority) as issuer_key:
            signed = sign_plan(
                plan,
                public_key=csr.public_key,
                issuer_key=issuer_key,
                passed=passed,
                approved_sha256=seen.sha256 if seen else "",
            )
    except (RefusedError, VaultError) as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    result = Signed(
        certificate=signed,
        file_base=file_base_of(authority, plan),
        detail={**decision_detail(request, csr, plan, decision), **passed.detail},
    )
    return store_certificate(request, result, by=by, now=now)


@transaction.atomic
def reject_request(request: SigningRequest, *, reason: str, by: Actor, now: dt.datetime) -> None:
    """End a waiting request with a reason, exactly once; what was proposed to another person ends
    with it. Raises `NeedsReason`, `AlreadyDecided`.
    """
    told = reason.strip()[:MAX_REASON]
    if not told:
        raise NeedsReason(
            _n("Say why: whoever asked reads it and knows what to change."), field="reason"
        )
    _reject_proposal(request, told, by=by, now=now)
    _claim(request, State.REJECTED, by=by, now=now)
    drop_key(request)
    SigningRequest.objects.filter(pk=request.pk).update(reason=told)
    record(
        "request.rejected",
        actor=by,
        subject=("request", request.pk, request.subject),
        detail={**asked_detail(request), "reason": told},
        at=now,
    )


def require_waiting(request: SigningRequest) -> None:
    """Refuse what was decided before. Raises `AlreadyDecided`."""
    if not request.waits:
        raise _late()


def csr_of(request: SigningRequest) -> CsrFacts:
    """Read the stored request anew, as strictly as when it came in."""
    return read_csr(request.csr_pem)


def _reject_proposal(request: SigningRequest, reason: str, *, by: Actor, now: dt.datetime) -> None:
    """First of all, as whoever approves begins there too: of both at once one gets on."""
    proposal = open_proposal(SIGN, ("request", request.pk))
    if proposal is None:
        return
    try:
        reject(proposal, reason=reason, by=by, now=now)
    except ProposalOver as over:
        raise _late() from over


def _claim(request: SigningRequest, state: State, *, by: Actor, now: dt.datetime) -> None:
    if not SigningRequest.objects.claim(request.pk, state=state, by=by.name, now=now):
        raise _late()
    request.state, request.decided_by, request.decided_at = state, by.name, now


@transaction.atomic
def _claim_for_signing(
    request: SigningRequest, plan: CertificatePlan, *, by: Actor, now: dt.datetime, role: Role
) -> None:
    _claim(request, State.SIGNING, by=by, now=now)
    request.profile = plan.profile
    SigningRequest.objects.filter(pk=request.pk).update(profile=plan.profile)
    record_intent(request, by=by, now=now, role=role)


def decision_detail(
    request: SigningRequest, csr: CsrFacts, plan: CertificatePlan, decision: Decision
) -> dict[str, object]:
    """Return what the ledger keeps of a decision: who asked for what, and what was changed."""
    return {
        "csr_sha256": csr.sha256,
        "requested_by": request.requester_name,
        "subject": format_subject(plan.subject),
        "changed_subject": decision.changes.subject is not None,
        "changed_names": decision.changes.hosts is not None,
        "compat": plan.compat,
    }


def asked_detail(request: SigningRequest) -> dict[str, object]:
    return {
        "authority": request.authority.slug,
        "profile": request.profile,
        "subject": request.subject,
        "csr_sha256": request.csr_sha256,
    }


def _late() -> AlreadyDecided:
    return AlreadyDecided(
        _n("Somebody decided on this request before you. Look at what they decided.")
    )


def file_base_of(authority: Authority, plan: CertificatePlan) -> str:
    """Name the files after the CN or the first name, never as the authority's own."""
    name = common_name(plan.subject) or next((san.value for san in plan.sans), "")
    base = base_name_of(name)
    return f"{base}-signed" if base == authority.file_base else base
