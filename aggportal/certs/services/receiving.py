"""Signing requests of others come in: they wait, or are signed at once where a profile says so."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction

from aggportal.accounts.roles import Role
from aggportal.certs.models import Authority, SigningRequest, State
from aggportal.certs.services.holding import hold_request
from aggportal.certs.services.lanes import dangers_of
from aggportal.certs.services.received import Decision, asked_detail, plan_request, sign_request
from aggportal.certs.services.two_people import wants_two_people
from aggportal.certs.signing_configs import config_of
from aggportal.ledger.services import record
from aggportal.pki.csrreading import CsrFacts
from aggportal.pki.errors import PkiError
from aggportal.pki.plans import CertificatePlan
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n


class AlreadyWaits(PkiError):
    """The very same request waits at this authority already."""

    code = "already-waits"


def receive_request(
    authority: Authority, csr: CsrFacts, *, profile: str, by: Actor, now: dt.datetime
) -> SigningRequest:
    """Take in a request that could be signed as it is; it waits for a decision.

    Where the profile says `auto_sign` it is signed at once, unless it mixes trust lanes, asks for a
    name that Kubernetes reserves or would be an authority: that waits for a person. Where it says
    `two_people` what would be signed is frozen for somebody else's approval. Raises what the core
    refuses, and `AlreadyWaits`.
    """
    decision = Decision(profile=profile)
    plan = plan_request(authority, csr, decision, now=now)
    is_safe = not dangers_of(authority, plan, now=now)
    with transaction.atomic():
        request = _store_waiting(authority, csr, plan, by=by, now=now)
        if is_safe and wants_two_people(authority, profile):
            hold_request(request, decision, by=by, now=now, role=Role.REQUESTER)
    if is_safe and not plan.is_ca and config_of(authority).profile(profile).auto_sign:
        sign_request(request, decision, by=by, now=now, role=Role.REQUESTER)
        request.refresh_from_db()
    return request


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
                detail=asked_detail(request),
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
