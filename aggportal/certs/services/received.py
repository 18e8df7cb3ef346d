"""Signing requests of others: they come in, wait, and are decided exactly once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from aggportal.certs.models import (
    Authority,
    Certificate,
    Mode,
    SigningRequest,
    State,
)
from aggportal.certs.models.signing_requests import MAX_REASON
from aggportal.certs.services.chains import issuer_for
from aggportal.certs.services.file_names import base_name_of
from aggportal.certs.services.intents import (
    Signed,
    record_failure,
    record_intent,
    store_certificate,
)
from aggportal.certs.services.lanes import dangers_of, require_certificate_lane
from aggportal.certs.services.requested_keys import require_unspent_key
from aggportal.certs.services.signers import signer_of
from aggportal.certs.services.signing import sign_plan
from aggportal.certs.signing_configs import config_of
from aggportal.ledger.services import record
from aggportal.pki.comparing import Difference, compare
from aggportal.pki.csrplanning import NO_CHANGES, Changes, plan_from_csr
from aggportal.pki.csrreading import CsrFacts, read_csr
from aggportal.pki.errors import PkiError
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


class AlreadyWaits(PkiError):
    """The very same request waits at this authority already."""

    code = "already-waits"


class NeedsReason(RefusedError):
    """A refusal must say why."""

    code = "needs-reason"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """How to sign: under which profile, and what to give in place of what was asked.

    `override_reason` lets pass what the authority's trust lane forbids and what Kubernetes
    reserves; only an administrator may give it.
    """

    profile: str
    changes: Changes = NO_CHANGES
    override_reason: str = ""


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


def receive_request(
    authority: Authority, csr: CsrFacts, *, profile: str, by: Actor, now: dt.datetime
) -> SigningRequest:
    """Take in a request that could be signed as it is; it waits for a decision.

    Where the profile says `auto_sign` it is signed at once, unless it mixes trust lanes, asks for a
    name that Kubernetes reserves or would be an authority: that waits for a person. Raises what the
    core refuses, and `AlreadyWaits`.
    """
    decision = Decision(profile=profile)
    plan = plan_request(authority, csr, decision, now=now)
    request = _store_waiting(authority, csr, plan, by=by, now=now)
    is_safe = not plan.is_ca and not dangers_of(authority, plan, now=now)
    if is_safe and config_of(authority).profile(profile).auto_sign:
        sign_request(request, decision, by=by, now=now)
        request.refresh_from_db()
    return request


def sign_request(
    request: SigningRequest, decision: Decision, *, by: Actor, now: dt.datetime
) -> Certificate:
    """Sign a waiting request, exactly once.

    Raises what the core refuses before anything is decided, and `AlreadyDecided`. The claim and the
    intent are committed before the authority's key is opened.
    """
    authority, csr = request.authority, csr_of(request)
    plan = plan_request(authority, csr, decision, now=now)
    passed = require_certificate_lane(
        authority, plan, override_reason=decision.override_reason, now=now
    )
    request.override_reason = passed.reason
    _claim_for_signing(request, plan, by=by, now=now)
    try:
        with signer_of(authority) as issuer_key:
            signed = sign_plan(
                _with_reserved_serial(plan, request),
                public_key=csr.public_key,
                issuer_key=issuer_key,
                passed=passed,
            )
    except (RefusedError, VaultError) as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    result = Signed(
        certificate=signed,
        file_base=_file_base(authority, plan),
        detail={**_decision_detail(request, csr, plan, decision), **passed.detail},
    )
    return store_certificate(request, result, by=by, now=now)


@transaction.atomic
def reject_request(request: SigningRequest, *, reason: str, by: Actor, now: dt.datetime) -> None:
    """End a waiting request with a reason, exactly once. Raises `NeedsReason`, `AlreadyDecided`."""
    told = reason.strip()[:MAX_REASON]
    if not told:
        raise NeedsReason(
            _n("Say why: whoever asked reads it and knows what to change."), field="reason"
        )
    _claim(request, State.REJECTED, by=by, now=now)
    SigningRequest.objects.filter(pk=request.pk).update(reason=told)
    record(
        "request.rejected",
        actor=by,
        subject=("request", request.pk, request.subject),
        detail={**_request_detail(request), "reason": told},
        at=now,
    )


def csr_of(request: SigningRequest) -> CsrFacts:
    """Read the stored request anew, as strictly as when it came in."""
    return read_csr(request.csr_pem)


def _store_waiting(
    authority: Authority, csr: CsrFacts, plan: CertificatePlan, *, by: Actor, now: dt.datetime
) -> SigningRequest:
    try:
        with transaction.atomic():
            request = SigningRequest.objects.create(
                authority=authority,
                profile=plan.profile,
                state=State.PENDING,
                serial=f"{plan.serial:040x}",
                subject=csr.subject,
                csr_pem=csr.pem,
                csr_sha256=csr.sha256,
                requested_at=now,
                requested_by_id=by.id,
                requester_name=by.name,
            )
            record(
                "request.received",
                actor=by,
                subject=("request", request.pk, request.subject),
                detail=_request_detail(request),
                at=now,
            )
    except IntegrityError as clash:
        if not _waits(authority, csr):
            raise
        raise AlreadyWaits(
            _n("This very request waits for a decision already; it need not be sent twice."),
            field="csr",
        ) from clash
    return request


def _waits(authority: Authority, csr: CsrFacts) -> bool:
    same = SigningRequest.objects.waiting().filter(authority=authority, csr_sha256=csr.sha256)
    return same.exists()


def _claim(request: SigningRequest, state: State, *, by: Actor, now: dt.datetime) -> None:
    if not SigningRequest.objects.claim(request.pk, state=state, by=by.name, now=now):
        raise AlreadyDecided(
            _n("Somebody decided on this request before you. Look at what they decided.")
        )
    request.state, request.decided_by, request.decided_at = state, by.name, now


@transaction.atomic
def _claim_for_signing(
    request: SigningRequest, plan: CertificatePlan, *, by: Actor, now: dt.datetime
) -> None:
    _claim(request, State.SIGNING, by=by, now=now)
    request.profile = plan.profile
    SigningRequest.objects.filter(pk=request.pk).update(profile=plan.profile)
    record_intent(request, by=by, now=now)


def _decision_detail(
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


def _request_detail(request: SigningRequest) -> dict[str, object]:
    return {
        "authority": request.authority.slug,
        "profile": request.profile,
        "subject": request.subject,
        "csr_sha256": request.csr_sha256,
    }


def _with_reserved_serial(plan: CertificatePlan, request: SigningRequest) -> CertificatePlan:
    return replace(plan, serial=int(request.serial, 16))


def _file_base(authority: Authority, plan: CertificatePlan) -> str:
    """Name the files after the CN or the first name, never as the authority's own."""
    name = common_name(plan.subject) or next((san.value for san in plan.sans), "")
    base = base_name_of(name)
    return f"{base}-signed" if base == authority.file_base else base
