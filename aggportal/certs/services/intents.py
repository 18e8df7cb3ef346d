"""Around a signature: the intent before it, and afterwards what was signed or why it was not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from django.db import IntegrityError, transaction

from aggportal.accounts.roles import Role, require_actor_role
from aggportal.certs.keeping import NOTHING_SAID, Keeping
from aggportal.certs.models import (
    Authority,
    Certificate,
    CertificateMaterial,
    SealedKey,
    SigningRequest,
    State,
)
from aggportal.certs.services.keeping import set_tags
from aggportal.certs.services.keys import seal_key
from aggportal.certs.services.name_entries import store_name_entries
from aggportal.certs.services.succession import already_renewed, complete_succession
from aggportal.ledger.models import Outcome
from aggportal.ledger.readiness import require_ready_to_sign
from aggportal.ledger.services import record
from aggportal.pki.facts import CertificateFacts, certificate_facts
from aggportal.pki.keys import PrivateKey
from aggportal.pki.plans import CertificatePlan
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """What a signature brought: `key` is None where the private key is somebody else's, or is in
    `sealed` since before the signature; `detail` goes into the ledger too.
    """

    certificate: x509.Certificate
    file_base: str
    key: PrivateKey | None = None
    sealed: SealedKey | None = None
    exportable: bool = True
    keeping: Keeping = NOTHING_SAID
    detail: Mapping[str, object]


class CutOff(RefusedError):
    """The request was ended while it was being signed."""

    code = "cut_off"


def create_intent(
    authority: Authority,
    plan: CertificatePlan,
    spec_text: str,
    *,
    by: Actor,
    now: dt.datetime,
    renews: Certificate | None = None,
) -> SigningRequest:
    """Write down what is about to be signed. Raises `AlreadyRenewed`: of many who renew a
    certificate at once one gets past this.
    """
    role = Role.ADMINISTRATOR if plan.is_ca else Role.ISSUER
    request = SigningRequest(
        authority=authority,
        profile=plan.profile,
        state=State.SIGNING,
        serial=f"{plan.serial:040x}",
        subject=plan.subject.rfc4514_string(),
        request_spec=spec_text,
        csr_pem=renews.material.csr_pem if renews else "",
        requested_at=now,
        requested_by_id=by.id,
        requester_name=by.name,
        renews=renews,
    )
    try:
        with transaction.atomic():
            request.save(force_insert=True)
            record_intent(request, by=by, now=now, role=role)
    except IntegrityError as clash:
        if renews is None:
            raise
        raise already_renewed() from clash
    return request


def record_intent(
    request: SigningRequest, *, by: Actor, now: dt.datetime, role: Role = Role.ISSUER
) -> None:
    """Write into the ledger that `request` is about to be signed. Raises what
    `require_ready_to_sign` raises, and `PermissionDenied` for whom does not hold `role` on the
    authority: everything that an authority signs comes past here or past the like for itself.
    """
    require_ready_to_sign(now=now)
    require_actor_role(by, role, on=request.authority.scope)
    record(
        "certificate.issued",
        actor=by,
        subject=("request", request.pk, request.subject),
        outcome=Outcome.INTENDED,
        detail=request_detail(request),
        at=now,
    )


@transaction.atomic
def record_failure(
    request: SigningRequest, refused: RefusedError, *, by: Actor, now: dt.datetime
) -> None:
    """End a request whose signing was refused, and say so in the ledger."""
    request.state, request.reason = State.FAILED, str(refused)
    request.decided_at, request.decided_by = now, by.name
    request.save(update_fields=["state", "reason", "decided_at", "decided_by", "override_reason"])
    record(
        "certificate.issued",
        actor=by,
        subject=("request", request.pk, request.subject),
        outcome=Outcome.FAILED,
        detail={**request_detail(request), "why": str(refused)},
        at=now,
    )


@transaction.atomic
def store_certificate(
    request: SigningRequest, signed: Signed, *, by: Actor, now: dt.datetime
) -> Certificate:
    """Store what was signed, end its request and record the deed, all or nothing.

    Raises `CutOff` where the request was ended meanwhile, since signing took so long that it
    counted as abandoned: what was signed is not released then.
    """
    mine = SigningRequest.objects.filter(pk=request.pk, state=State.SIGNING)
    if not mine.update(state=State.ISSUED):
        raise CutOff(
            _n(
                "Signing took so long that the request was ended as abandoned. Nothing was stored; "
                "the serial is not used again. Ask anew."
            )
        )
    facts = certificate_facts(signed.certificate)
    certificate = _row(request, signed, facts, by=by, now=now)
    if signed.key is not None:
        certificate.key = seal_key(signed.key, purpose="certificate-key")
        certificate.key.save(force_insert=True)
    elif signed.sealed is not None:
        certificate.key, request.key = signed.sealed, None
    certificate.save(force_insert=True)
    CertificateMaterial.objects.create(
        certificate=certificate,
        pem=facts.pem,
        csr_pem=request.csr_pem,
        request_spec=request.request_spec,
    )
    store_name_entries(certificate, facts)
    if signed.keeping.tags:
        set_tags(certificate, signed.keeping.tags)
    request.state, request.decided_at, request.decided_by = State.ISSUED, now, by.name
    changed = ["state", "decided_at", "decided_by", "csr_pem", "override_reason", "key"]
    request.save(update_fields=changed)
    record(
        "certificate.issued",
        actor=by,
        subject=("certificate", certificate.pk, str(certificate)),
        detail={
            **request_detail(request),
            "request": request.pk,
            "sha256": facts.sha256,
            "not_after": facts.not_after.isoformat(),
            "names": certificate.names.splitlines()[:100],
            **signed.detail,
        },
        at=now,
    )
    complete_succession(certificate, by=by, now=now)
    return certificate


def _row(
    request: SigningRequest,
    signed: Signed,
    facts: CertificateFacts,
    *,
    by: Actor,
    now: dt.datetime,
) -> Certificate:
    """Return the unsaved row, without key; a successor is kept as its predecessor was."""
    return Certificate(
        authority=request.authority,
        request=request,
        serial=request.serial,
        common_name=facts.common_name[:200],
        subject=facts.subject,
        names="\n".join(f"{kind} {value}" for kind, value in facts.sans),
        profile=request.profile,
        key_text=facts.key,
        file_base=signed.file_base,
        not_before=facts.not_before,
        not_after=facts.not_after,
        issued_at=now,
        issued_by=by.name,
        fingerprint_sha256=facts.sha256,
        spki_sha256=facts.spki_sha256,
        exportable=signed.exportable,
        predecessor=request.renews,
        owner=request.renews.owner if request.renews else signed.keeping.owner,
        notes=request.renews.notes if request.renews else "",
        override_reason=request.override_reason,
    )


def request_detail(request: SigningRequest) -> dict[str, object]:
    return {
        "authority": request.authority.slug,
        "profile": request.profile,
        "serial": request.serial,
        "subject": request.subject,
    }
