"""Issuing: the intent is recorded before the signature, and nothing is shown that is not stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from django.db import IntegrityError, transaction

from aggportal.certs.models import (
    Authority,
    Certificate,
    CertificateMaterial,
    Mode,
    SigningRequest,
    State,
)
from aggportal.certs.services.chains import issuer_for
from aggportal.certs.services.keeping import NOTHING_SAID, Keeping, set_tags
from aggportal.certs.services.keys import open_authority_key, seal_key
from aggportal.certs.services.lanes import require_certificate_lane
from aggportal.certs.services.name_entries import store_name_entries
from aggportal.certs.services.signing import sign_plan
from aggportal.certs.services.succession import Succession, already_renewed, complete_succession
from aggportal.certs.signing_configs import config_of
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.pki.csrs import csr_pem, make_csr
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import require_base_name
from aggportal.pki.facts import certificate_facts
from aggportal.pki.issuing import certificate_pem, plan_certificate
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import PrivateKey, PublicKey, generate_key
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.vault.errors import VaultError
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueChoices:
    """How to issue. `compat` does as cfssl does; `end_with_authority` cuts the life at the
    authority's own end; unless `exportable`, the private key never leaves.

    `override_reason` lets pass what the authority's trust lane forbids and what Kubernetes
    reserves; only an administrator may give it. `keeping` is what people say of the certificate; a
    successor has its predecessor's instead.
    """

    profile: str
    file_base: str
    compat: bool = False
    end_with_authority: bool = False
    override_reason: str = ""
    exportable: bool = True
    keeping: Keeping = NOTHING_SAID


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """What a signature brought: `key` is None where the private key is somebody else's; `detail`
    goes into the ledger too.
    """

    certificate: x509.Certificate
    file_base: str
    key: PrivateKey | None = None
    exportable: bool = True
    keeping: Keeping = NOTHING_SAID
    detail: Mapping[str, object]


def plan_for(
    authority: Authority, spec: RequestSpec, choices: IssueChoices, *, now: dt.datetime
) -> CertificatePlan:
    """Decide every field of the certificate that would be issued.

    Raises what the core refuses, and UnknownProfile.
    """
    profile = config_of(authority).profile(choices.profile)
    issuer = issuer_for(authority)
    return plan_certificate(
        spec,
        profile=profile,
        issuer=issuer,
        now=now,
        compat=choices.compat or authority.mode == Mode.COMPAT,
        end_with_issuer=choices.end_with_authority,
    )


def issue_certificate(
    authority: Authority,
    spec: RequestSpec,
    choices: IssueChoices,
    *,
    by: Actor,
    now: dt.datetime,
    succession: Succession | None = None,
) -> Certificate:
    """Make a key, sign a certificate for it, store both; with `succession` as the successor of
    another. Raises what the core refuses, before anything is stored, and `AlreadyRenewed`.

    The intent (the request with its reserved serial, and a ledger entry) is committed before the
    authority's key is opened. A crash in between leaves the request in state `signing`.
    """
    _require_own_file_name(choices.file_base, authority)
    plan = plan_for(authority, spec, choices, now=now)
    passed = require_certificate_lane(
        authority, plan, override_reason=choices.override_reason, now=now
    )
    spec_text = dump_json(dump_request_spec(spec))
    predecessor = succession.predecessor if succession else None
    request = create_intent(authority, plan, spec_text, by=by, now=now, renews=predecessor)
    request.override_reason = passed.reason
    try:
        issuer_key = open_authority_key(authority)
        key, public_key = _keys_for(spec, succession)
        if key is not None:
            request.csr_pem = csr_pem(make_csr(spec, key=key, compat=plan.compat))
        signed = sign_plan(plan, public_key=public_key, issuer_key=issuer_key, passed=passed)
    except (RefusedError, VaultError) as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    made = Signed(
        certificate=signed,
        file_base=choices.file_base,
        key=key,
        exportable=choices.exportable,
        keeping=choices.keeping,
        detail={
            "compat": choices.compat,
            "exportable": choices.exportable,
            **({"kept": choices.keeping.told} if choices.keeping != NOTHING_SAID else {}),
            **passed.detail,
            **({"renews": predecessor.pk} if predecessor else {}),
        },
    )
    return store_certificate(request, made, by=by, now=now)


def _keys_for(
    spec: RequestSpec, succession: Succession | None
) -> tuple[PrivateKey | None, PublicKey]:
    """Return a new key, or the predecessor's: its public half alone where the private one is
    elsewhere.
    """
    if succession is None or succession.public_key is None:
        key = generate_key(spec.key)
        return key, key.public_key()
    return succession.open_key(), succession.public_key


def _require_own_file_name(base: str, authority: Authority) -> None:
    """Refuse an unsafe name, and the authority's own: the archive holds the files of both."""
    require_base_name(base, field="file_base")
    if base == authority.file_base:
        raise InvalidField(
            gettext_noop("The authority's own files are called “%(base)s”. Choose another name."),
            field="file_base",
            base=base,
        )


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
            record_intent(request, by=by, now=now)
    except IntegrityError as clash:
        if renews is None:
            raise
        raise already_renewed() from clash
    return request


def record_intent(request: SigningRequest, *, by: Actor, now: dt.datetime) -> None:
    """Write into the ledger that `request` is about to be signed."""
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
    """Store what was signed, end its request and record the deed, all or nothing."""
    facts, sealed = certificate_facts(signed.certificate), None
    if signed.key is not None:
        sealed = seal_key(signed.key, purpose="certificate-key")
        sealed.save(force_insert=True)
    certificate = Certificate.objects.create(
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
        key=sealed,
        exportable=signed.exportable,
        predecessor=request.renews,
        owner=request.renews.owner if request.renews else signed.keeping.owner,
        notes=request.renews.notes if request.renews else "",
        override_reason=request.override_reason,
    )
    CertificateMaterial.objects.create(
        certificate=certificate,
        pem=certificate_pem(signed.certificate),
        csr_pem=request.csr_pem,
        request_spec=request.request_spec,
    )
    store_name_entries(certificate, facts)
    if signed.keeping.tags:
        set_tags(certificate, signed.keeping.tags)
    request.state, request.decided_at, request.decided_by = State.ISSUED, now, by.name
    request.save(update_fields=["state", "decided_at", "decided_by", "csr_pem", "override_reason"])
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


def request_detail(request: SigningRequest) -> dict[str, object]:
    return {
        "authority": request.authority.slug,
        "profile": request.profile,
        "serial": request.serial,
        "subject": request.subject,
    }
