"""Cross-signing: another certificate of an authority's same subject and key, signed by another CA,
so that those who trust that one trust this one too.
"""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from django.db import IntegrityError, transaction

from aggportal.certs.models import (
    Authority,
    AuthorityCertificate,
    Certificate,
    Mode,
    OtherRole,
    SigningRequest,
    State,
)
from aggportal.certs.services.answering import standing_of
from aggportal.certs.services.authority_rows import Standing
from aggportal.certs.services.chains import issuer_for, require_issuing, upwards
from aggportal.certs.services.file_names import with_ending
from aggportal.certs.services.intents import create_intent, record_failure
from aggportal.certs.services.intermediates import addresses_of, store_authority_row
from aggportal.certs.services.lanes import Passed
from aggportal.certs.services.signers import signer_of
from aggportal.certs.services.signing import sign_plan
from aggportal.ledger.services import record
from aggportal.pki.bags import read_bag
from aggportal.pki.csrs import authority_csr, csr_pem
from aggportal.pki.errors import InvalidCertificate, KeyMismatch, NotAnAuthority, PkiError
from aggportal.pki.existing import require_storable
from aggportal.pki.facts import CertificateFacts, certificate_facts
from aggportal.pki.intermediates import plan_cross
from aggportal.pki.issuers import encode_name
from aggportal.pki.lanes import below_dangers, require_lane_kept
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.reading import load_certificate
from aggportal.vault.errors import VaultError
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

# Whoever wants a second cross-certificate of the same pair waits that long.
_A_MOMENT = dt.timedelta(minutes=1)


class AlreadyCrossSigned(PkiError):
    """This certificate of the authority stands here already, or was signed a moment ago."""

    code = "already-cross-signed"


def plan_crossing(
    authority: Authority, *, by_authority: Authority, expiry: str, now: dt.datetime
) -> CertificatePlan:
    """Decide every field of the certificate that `by_authority` would sign for `authority`.

    Raises what `plan_cross` raises, and refuses a circle and one that issues no more.
    """
    require_issuing(authority)
    if any(step.pk == authority.pk for step in upwards(by_authority)):
        words = _n(
            "“%(by)s” stands below “%(label)s” itself: a chain would lead round in a circle."
        )
        raise KeyMismatch(words, field="by", by=by_authority.label, label=authority.label)
    return plan_cross(
        _loaded(authority),
        issuer=issuer_for(by_authority),
        expiry=expiry,
        addresses=addresses_of(by_authority),
        now=now,
        compat=by_authority.mode == Mode.COMPAT,
    )


def cross_sign(
    authority: Authority,
    *,
    by_authority: Authority,
    expiry: str = "",
    override_reason: str = "",
    by: Actor,
    now: dt.datetime,
) -> AuthorityCertificate:
    """Let `by_authority` sign `authority`'s subject and key as well.

    Raises as `plan_crossing`, and `LaneMixed` where lanes would mix without a reason.
    """
    plan = plan_crossing(authority, by_authority=by_authority, expiry=expiry, now=now)
    passed = _lane_kept(authority, by_authority, override_reason)
    request = _intent_once(authority, by_authority, plan, by=by, now=now)
    request.csr_pem, request.override_reason = authority.csr_pem, passed.reason
    own = _loaded(authority)
    try:
        with signer_of(by_authority) as issuer_key:
            signed = sign_plan(
                plan,
                public_key=own.public_key(),  # type: ignore[arg-type]  # the plan allowed its kind
                issuer_key=issuer_key,
                passed=passed,
            )
    except (RefusedError, VaultError) as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    return _store(authority, request, signed, by=by, now=now)


@transaction.atomic
def _intent_once(
    authority: Authority,
    by_authority: Authority,
    plan: CertificatePlan,
    *,
    by: Actor,
    now: dt.datetime,
) -> SigningRequest:
    """Write the intent, unless the same was asked a moment ago: a second click, or a second person.

    The authority's row is locked meanwhile, so that of many who come at once one gets it.
    """
    Authority.objects.select_for_update(no_key=True).get(pk=authority.pk)
    lately = SigningRequest.objects.filter(
        authority=by_authority,
        subject=plan.subject.rfc4514_string(),
        state__in=(State.SIGNING, State.ISSUED),
        requested_at__gt=now - _A_MOMENT,
    )
    if lately.exists():
        words = _n("“%(by)s” has just signed “%(label)s”. Look at its page before you do it again.")
        raise AlreadyCrossSigned(words, field="by", by=by_authority.label, label=authority.label)
    return create_intent(by_authority, plan, authority.request_spec, by=by, now=now)


def _lane_kept(authority: Authority, by_authority: Authority, override_reason: str) -> Passed:
    dangers = below_dangers(by_authority.lane, authority.lane)  # type: ignore[arg-type]  # the model's choices are the core's lanes
    return Passed(
        dangers=dangers, reason=require_lane_kept(dangers, override_reason=override_reason)
    )


@transaction.atomic
def _store(
    authority: Authority,
    request: SigningRequest,
    signed: x509.Certificate,
    *,
    by: Actor,
    now: dt.datetime,
) -> AuthorityCertificate:
    detail: dict[str, object] = {"cross_signed": authority.slug}
    base = with_ending(authority.file_base, "-cross")
    row = store_authority_row(request, signed, file_base=base, detail=detail, by=by)
    return _added(
        authority,
        certificate_facts(signed),
        Standing(parent=request.authority, issued_as=row),
        by=by,
        now=now,
    )


def make_cross_request(authority: Authority, *, by: Actor, now: dt.datetime) -> str:
    """Return a CSR (PEM) from the authority's own key and subject for an outside CA, recorded.

    Raises CannotOpen and NoKey.
    """
    with signer_of(authority) as key:
        text = csr_pem(authority_csr(_loaded(authority), key=key))
    record(
        "authority.csr_made",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={"sha256": authority.fingerprint_sha256},
        at=now,
    )
    return text


def add_cross_certificate(
    authority: Authority, data: bytes | str, *, by: Actor, now: dt.datetime
) -> AuthorityCertificate:
    """Take in a certificate that an outside CA made for the authority's key.

    Raises `InvalidCertificate`, `KeyMismatch`, `NotAnAuthority`, `AlreadyCrossSigned`.
    """
    given = tuple({facts.sha256: facts for facts in read_bag(data, field="answer")}.values())
    found = next((facts for facts in given if facts.spki_sha256 == authority.spki_sha256), None)
    if found is None:
        words = _n("No certificate in it is for the key of “%(label)s”.")
        raise KeyMismatch(words, field="answer", label=authority.label)
    _require_cross(authority, found)
    signer, above = standing_of(found, given)
    try:
        with transaction.atomic():
            return _added(
                authority,
                found,
                Standing(
                    parent=signer,
                    issued_as=Certificate.objects.filter(fingerprint_sha256=found.sha256).first(),
                    chain_pem="" if signer else "".join(facts.pem for facts in above),
                ),
                by=by,
                now=now,
            )
    except IntegrityError as clash:
        words = _n("This certificate of the authority stands here already.")
        raise AlreadyCrossSigned(words, field="answer") from clash


def _require_cross(authority: Authority, facts: CertificateFacts) -> None:
    if not facts.is_ca:
        words = _n("This is an ordinary certificate (CA:FALSE), not an authority's.")
        raise NotAnAuthority(words, field="answer")
    if encode_name(load_certificate(facts).subject) != encode_name(_loaded(authority).subject):
        words = _n(
            "The subject is another one (%(subject)s): what the authority issued names the present "
            "one as its issuer and would not be found below this. Ask for the very same subject."
        )
        raise InvalidCertificate(words, field="answer", subject=facts.subject)
    require_storable(facts)
    if facts.self_signed:
        words = _n("This one signed itself. A cross-signed certificate is signed by another CA.")
        raise InvalidCertificate(words, field="answer")
    if facts.sha256 == authority.fingerprint_sha256:
        words = _n("This is the authority's present certificate.")
        raise AlreadyCrossSigned(words, field="answer")


def _added(
    authority: Authority,
    facts: CertificateFacts,
    standing: Standing,
    *,
    by: Actor,
    now: dt.datetime,
) -> AuthorityCertificate:
    other = AuthorityCertificate.objects.create(
        authority=authority,
        role=OtherRole.CROSS,
        issuer=standing.parent,
        issued_as=standing.issued_as,
        issuer_subject=facts.issuer,
        serial=facts.serial.zfill(40),
        fingerprint_sha256=facts.sha256,
        not_before=facts.not_before,
        not_after=facts.not_after,
        pem=facts.pem,
        chain_pem=standing.chain_pem,
        added_at=now,
        added_by=by.name,
    )
    record(
        "authority.cross_signed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={
            "signed_by": standing.parent.slug if standing.parent else facts.issuer,
            "serial": other.serial,
            "sha256": facts.sha256,
            "not_after": facts.not_after.isoformat(),
        },
        at=now,
    )
    return other


def _loaded(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.certificate_pem.encode())
