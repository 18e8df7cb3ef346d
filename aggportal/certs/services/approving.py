"""Approving what was frozen: somebody else says yes to these bytes, and these are signed, once."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from django.db import IntegrityError, transaction

from aggportal.accounts.roles import Role, require_actor_role
from aggportal.certs.models import Certificate, SigningRequest, State
from aggportal.certs.services.approvals import (
    ProposalOver,
    approve,
    expire,
    open_proposal,
    overdue_proposals,
    require_approved,
)
from aggportal.certs.services.held_plans import choices_of, decision_of, plan_held
from aggportal.certs.services.intents import (
    Signed,
    record_failure,
    record_intent,
    request_detail,
    store_certificate,
)
from aggportal.certs.services.lanes import Passed
from aggportal.certs.services.received import (
    AlreadyDecided,
    csr_of,
    decision_detail,
    file_base_of,
)
from aggportal.certs.services.signers import signer_of
from aggportal.certs.services.signing import sign_plan
from aggportal.certs.services.succession import Succession, already_renewed
from aggportal.certs.services.two_people import (
    SIGN,
    digest_of_plan,
    drop_key,
    passed_by_two,
    plan_changed,
)
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.pki.keys import PublicKey
from aggportal.pki.plans import CertificatePlan
from aggportal.vault.errors import VaultError
from aggportal.web.actors import Actor, system_actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


def approve_request(
    request: SigningRequest, *, sha256: str, by: Actor, now: dt.datetime
) -> Certificate:
    """Approve the frozen bytes with `sha256`, which is what `by` looked at, and sign them.

    Raises `SelfApproval`, `AlreadyDecided`, `ProposalOver` once expired, `NotApproved` for other
    bytes, `PlanChanged` where they would come out otherwise by now, and what the core refuses.
    """
    # Read in one query, since whoever rejects it at the same moment deletes its key.
    rows = SigningRequest.objects.select_related("authority__key", "key", "renews__material")
    request = rows.get(pk=request.pk)
    plan, public_key, passed = _fresh(request, by=by, now=now)
    try:
        _claim(request, sha256=sha256, by=by, now=now)
    except IntegrityError as clash:
        if request.renews_id is None:
            raise
        raise already_renewed() from clash
    try:
        with signer_of(request.authority) as issuer_key:
            signed = sign_plan(
                plan,
                public_key=public_key,
                issuer_key=issuer_key,
                passed=passed,
                approved_sha256=request.tbs_sha256,
            )
        result = _result(request, plan, passed, signed)
    except (RefusedError, VaultError) as refused:
        with transaction.atomic():
            record_failure(request, refused, by=by, now=now)
            drop_key(request)
        raise
    return store_certificate(request, result, by=by, now=now)


def expire_held_requests(*, now: dt.datetime) -> int:
    """End what nobody approved in time, deeds of other kinds too; return how much that was."""
    return sum(
        _expire(found.subject_id, now=now) if found.kind == SIGN else expire(found, now=now)
        for found in overdue_proposals(now=now)
    )


def _fresh(
    request: SigningRequest, *, by: Actor, now: dt.datetime
) -> tuple[CertificatePlan, PublicKey, Passed]:
    """Plan it anew and compare; refuse whoever may not approve it."""
    authority = request.authority
    require_actor_role(by, Role.APPROVER, on=authority.scope)
    if not request.waits:
        raise _late()
    plan, public_key = plan_held(request)
    passed = passed_by_two(
        authority,
        plan,
        override_reason=request.held["override_reason"],
        power_reason=request.held["power_reason"],
        now=now,
    )
    if passed.granted:
        require_actor_role(by, Role.ADMINISTRATOR)
    if digest_of_plan(authority, plan, public_key) != request.tbs_sha256:
        changed = plan_changed()
        record(
            "certificate.issued",
            actor=by,
            subject=("request", request.pk, request.subject),
            outcome=Outcome.FAILED,
            detail={**request_detail(request), "why": str(changed)},
            at=now,
        )
        raise changed
    return plan, public_key, passed


@transaction.atomic
def _claim(request: SigningRequest, *, sha256: str, by: Actor, now: dt.datetime) -> None:
    """Vote, use the vote and write the intent: of many at once one gets through."""
    subject = ("request", request.pk)
    proposal = open_proposal(SIGN, subject)
    if proposal is None:
        raise _late()
    not_by = [request.requested_by_id] if request.requested_by_id else []
    try:
        approve(proposal, sha256=sha256, by=by, now=now, not_by=not_by)
        require_approved(SIGN, subject, request.tbs_sha256, by=by, now=now)
    except ProposalOver as over:
        if SigningRequest.objects.filter(pk=request.pk, state=State.PENDING).exists():
            raise
        raise _late() from over
    rows = SigningRequest.objects.filter(
        pk=request.pk, state=State.PENDING, tbs_sha256=request.tbs_sha256
    )
    taken = {"state": State.SIGNING, "decided_by": by.name, "decided_at": now}
    if not rows.update(**taken, approved_by_id=by.id):
        raise _late()
    request.state, request.approved_by_id = State.SIGNING, by.id
    request.decided_by, request.decided_at = by.name, now
    record_intent(request, by=by, now=now, role=Role.APPROVER)


def _result(
    request: SigningRequest, plan: CertificatePlan, passed: Passed, signed: x509.Certificate
) -> Signed:
    two = {"asked_by": request.requester_name, "approved_sha256": request.tbs_sha256}
    if not request.is_ours:
        csr = csr_of(request)
        detail = decision_detail(request, csr, plan, decision_of(request))
        return Signed(
            certificate=signed,
            file_base=file_base_of(request.authority, plan),
            detail={**detail, **two, **passed.detail},
        )
    choices = choices_of(request)
    key = None
    if request.renews is not None and request.key is None:
        key = Succession(predecessor=request.renews).open_key()
    return Signed(
        certificate=signed,
        file_base=choices.file_base,
        key=key,
        sealed=request.key,
        exportable=choices.exportable,
        keeping=choices.keeping,
        detail={
            "compat": choices.compat,
            "exportable": choices.exportable,
            **two,
            **passed.detail,
            **({"renews": request.renews_id} if request.renews_id else {}),
        },
    )


@transaction.atomic
def _expire(pk: str, *, now: dt.datetime) -> bool:
    """End one: what was described here must be asked for anew, somebody's request waits again for
    whoever proposes how to sign it.
    """
    proposal = open_proposal(SIGN, ("request", pk))
    if proposal is None or not expire(proposal, now=now):
        return False
    request = SigningRequest.objects.filter(pk=pk, state=State.PENDING).first()
    if request is None:
        return True
    rows = SigningRequest.objects.filter(pk=pk, state=State.PENDING)
    if not request.is_ours:
        rows.update(tbs_sha256="", held={}, held_at=None)
        return True
    by = system_actor("worker")
    reason = _n("Nobody approved it in time. Ask for it anew.")
    rows.update(state=State.EXPIRED, reason=reason, decided_at=now, decided_by=by.name)
    drop_key(request)
    record(
        "request.expired",
        actor=by,
        subject=("request", request.pk, request.subject),
        detail=request_detail(request),
        at=now,
    )
    return True


def _late() -> AlreadyDecided:
    return AlreadyDecided(
        _n("Somebody decided on this request before you. Look at what they decided.")
    )
