"""Certificates that another person must approve: frozen to the byte, then shown, then signed as
they were shown, or not at all.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import IntegrityError, transaction

from aggportal.accounts.roles import Role, require_actor_role
from aggportal.certs.models import Authority, Certificate, SealedKey, SigningRequest, State
from aggportal.certs.services.approvals import (
    AlreadyProposed,
    Deed,
    open_proposal,
    propose,
    reject,
)
from aggportal.certs.services.held_plans import (
    digest_held,
    held_choices,
    held_decision,
    plan_held,
    spec_of,
)
from aggportal.certs.services.issuing import (
    IssueChoices,
    issue_certificate,
    plan_for,
    require_own_file_name,
)
from aggportal.certs.services.keys import seal_key
from aggportal.certs.services.lanes import Passed, dangers_of
from aggportal.certs.services.received import AlreadyDecided, Decision, csr_of, plan_request
from aggportal.certs.services.succession import Succession
from aggportal.certs.services.two_people import SIGN, passed_by_two, wants_two_people
from aggportal.ledger.services import record
from aggportal.pki.csrs import csr_pem, make_csr
from aggportal.pki.errors import PkiError
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import generate_key
from aggportal.pki.lanes import power_of
from aggportal.pki.names import format_subject
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


def ask_certificate(
    authority: Authority,
    spec: RequestSpec,
    choices: IssueChoices,
    *,
    by: Actor,
    now: dt.datetime,
    succession: Succession | None = None,
) -> Certificate | SigningRequest:
    """Issue at once where one person is enough; else freeze what would be signed and return the
    request that waits for another person. Raises as `issue_certificate`, and `AlreadyProposed`.
    """
    plan = plan_for(authority, spec, choices, now=now)
    power = power_of(dangers_of(authority, plan, now=now))
    wanted = bool(power and (choices.power_reason or choices.override_reason).strip())
    if not wanted and not wants_two_people(authority, choices.profile):
        return issue_certificate(authority, spec, choices, by=by, now=now, succession=succession)
    passed = _passed(authority, plan, choices, now=now)
    request = _frozen(authority, spec, choices, passed, by=by, now=now)
    return _held(request, plan, succession, by=by, now=now)


def hold_request(
    request: SigningRequest,
    decision: Decision,
    *,
    by: Actor,
    now: dt.datetime,
    role: Role = Role.APPROVER,
) -> SigningRequest:
    """Freeze what `decision` would issue for somebody's waiting request, and let another person
    approve it. One that was frozen before and would come out otherwise by now gives way.

    `role` is what `by` must hold on the authority. Raises what the core refuses, `AlreadyProposed`
    and `AlreadyDecided`.
    """
    authority = request.authority
    require_actor_role(by, role, on=authority.scope)
    plan = plan_request(authority, csr_of(request), decision, now=now)
    passed = _passed(authority, plan, decision, now=now)
    with transaction.atomic():
        _give_way(request, by=by, now=now)
        request.profile, request.override_reason = decision.profile, passed.reason
        request.held, request.held_at = held_decision(decision), now
        request.tbs_sha256 = digest_held(request)
        rows = SigningRequest.objects.filter(pk=request.pk, state=State.PENDING)
        if not rows.update(
            profile=request.profile,
            override_reason=request.override_reason,
            held=request.held,
            held_at=now,
            tbs_sha256=request.tbs_sha256,
        ):
            raise AlreadyDecided(_n("Somebody decided on this request before you."))
        _propose(request, by=by, now=now)
    return request


def needs_administrator(request: SigningRequest, *, now: dt.datetime) -> bool:
    """Tell whether a frozen certificate has a name that is power: an administrator must approve
    it. Raises what the core refuses by now.
    """
    plan, _key = plan_held(request)
    return bool(power_of(dangers_of(request.authority, plan, now=now)))


def is_unchanged(request: SigningRequest) -> bool:
    """Tell whether what would be signed by now is what was frozen."""
    try:
        return digest_held(request) == request.tbs_sha256
    except (PkiError, RefusedError):
        return False


def _frozen(
    authority: Authority,
    spec: RequestSpec,
    choices: IssueChoices,
    passed: Passed,
    *,
    by: Actor,
    now: dt.datetime,
) -> SigningRequest:
    """Return the unsaved request: who asks for what, as of when."""
    require_own_file_name(choices.file_base, authority)
    return SigningRequest(
        authority=authority,
        profile=choices.profile,
        state=State.PENDING,
        request_spec=dump_json(dump_request_spec(spec)),
        requested_at=now,
        requested_by_id=by.id,
        requester_name=by.name,
        override_reason=passed.reason,
        held_at=now,
        held=held_choices(choices),
    )


def _held(
    request: SigningRequest,
    plan: CertificatePlan,
    succession: Succession | None,
    *,
    by: Actor,
    now: dt.datetime,
) -> SigningRequest:
    """Make the key, freeze the bytes and propose them, all or nothing. Raises `PermissionDenied`
    for whoever may not issue there.
    """
    require_actor_role(by, Role.ISSUER, on=request.authority.scope)
    request.serial = f"{plan.serial:040x}"
    request.profile, request.subject = plan.profile, format_subject(plan.subject)
    request.renews = succession.predecessor if succession else None
    sealed = _key_for(request, plan, succession)
    request.tbs_sha256 = digest_held(request)
    request.csr_sha256 = _listed_as(request)
    try:
        with transaction.atomic():
            if sealed is not None:
                sealed.save(force_insert=True)
            request.save(force_insert=True)
            _propose(request, by=by, now=now)
    except IntegrityError as clash:
        if request.renews is None:
            raise
        raise AlreadyProposed(
            _n("A renewal of this certificate waits for another person's approval already.")
        ) from clash
    return request


def _key_for(
    request: SigningRequest, plan: CertificatePlan, succession: Succession | None
) -> SealedKey | None:
    """Make the key that the certificate is for, sealed; none where a renewal keeps its key."""
    if succession is not None and succession.public_key is not None:
        request.csr_pem = succession.predecessor.material.csr_pem
        return None
    spec = spec_of(request)
    key = generate_key(spec.key)
    request.csr_pem = csr_pem(make_csr(spec, key=key, compat=plan.compat))
    request.key = seal_key(key, purpose="certificate-key")
    return request.key


def _listed_as(request: SigningRequest) -> str:
    """Return the digest under which the request stands among those that wait."""
    if request.key is None:
        return request.tbs_sha256
    der = x509.load_pem_x509_csr(request.csr_pem.encode()).public_bytes(Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def _passed(
    authority: Authority,
    plan: CertificatePlan,
    asked: IssueChoices | Decision,
    *,
    now: dt.datetime,
) -> Passed:
    return passed_by_two(
        authority,
        plan,
        override_reason=asked.override_reason,
        power_reason=asked.power_reason,
        now=now,
    )


def _give_way(request: SigningRequest, *, by: Actor, now: dt.datetime) -> None:
    """End an open proposal that nobody could use any more, since its bytes would differ by now."""
    open_one = open_proposal(SIGN, ("request", request.pk))
    if open_one is None or not open_one.is_open(now=now) or is_unchanged(request):
        return
    reject(open_one, reason="changed", by=by, now=now)


def _propose(request: SigningRequest, *, by: Actor, now: dt.datetime) -> None:
    record(
        "request.held",
        actor=by,
        subject=("request", request.pk, request.subject),
        detail={
            "authority": request.authority.slug,
            "profile": request.profile,
            "serial": request.serial,
            "sha256": request.tbs_sha256,
            **({"override_reason": request.override_reason} if request.override_reason else {}),
        },
        at=now,
    )
    deed = Deed(
        kind=SIGN,
        subject=("request", request.pk),
        label=request.subject,
        sha256=request.tbs_sha256,
        reason=request.override_reason,
    )
    propose(deed, by=by, now=now)
