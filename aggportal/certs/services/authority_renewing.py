"""Renewing an authority's own certificate: same key and subject, new dates.

What it issued goes on verifying under either certificate. The earlier one is kept beside it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from django.db import transaction

from aggportal.accounts.roles import Role, require_actor_role
from aggportal.certs.models import (
    Authority,
    AuthorityCertificate,
    Certificate,
    Kind,
    Mode,
    OtherRole,
    SigningRequest,
    State,
)
from aggportal.certs.services.chains import require_issuing
from aggportal.certs.services.intents import (
    Signed,
    record_failure,
    record_intent,
    store_certificate,
)
from aggportal.certs.services.signers import signer_of
from aggportal.certs.services.succession import AlreadyRenewed, already_renewed
from aggportal.ledger.models import Outcome
from aggportal.ledger.readiness import require_ready_to_sign
from aggportal.ledger.services import record
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import certificate_facts
from aggportal.pki.issuing import certificate_pem, new_serial
from aggportal.pki.names import format_subject
from aggportal.pki.plans import Validity
from aggportal.pki.renewing import (
    NewDates,
    plan_as_cfssl,
    renew_as_cfssl,
    renewed_authority,
    renewed_dates,
)
from aggportal.vault.errors import VaultError
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class SignedElsewhere(PkiError):
    """None of our authorities can renew this one."""

    code = "signed-elsewhere"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCertificate:
    """What takes the place of an authority's certificate. `issued_as` where a parent signed it."""

    certificate: x509.Certificate
    chain_pem: str = ""
    issued_as: Certificate | None = None
    how: str


def dates_of_renewal(
    authority: Authority, *, life: dt.timedelta | None, now: dt.datetime
) -> Validity:
    """Return from when until when the renewed certificate would be valid. Raises what the core
    refuses.
    """
    if authority.is_root and authority.mode == Mode.COMPAT:
        return plan_as_cfssl(loaded(authority), now=now).validity
    parent = authority.parent
    return renewed_dates(
        loaded(authority),
        NewDates(now=now, life=life),
        issuer=loaded(parent) if parent else None,
    )


def renew_authority(
    authority: Authority,
    *,
    life: dt.timedelta | None,
    seen: str,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """Sign the authority's certificate anew: by itself, or by its parent. `life` None is as long as
    before; `seen` is the fingerprint of the certificate that the person looked at.

    Raises `AlreadyRenewed`, `SignedElsewhere`, `Retired` and what the core refuses.
    """
    require_actor_role(by, Role.ADMINISTRATOR, on=authority.scope)
    require_issuing(authority)
    require_seen(authority, seen)
    if authority.parent is not None:
        return _renew_under_parent(authority, authority.parent, life=life, by=by, now=now)
    if not authority.is_root:
        raise SignedElsewhere(
            _n("An outside authority signed this one: send it the request, and bring the answer.")
        )
    validity = dates_of_renewal(authority, life=life, now=now)
    _record_intent(authority, validity, by=by, now=now)
    try:
        certificate = _signed_by_itself(authority, life=life, now=now)
        made = NewCertificate(certificate=certificate, how="itself")
        return exchange_certificate(authority, made, by=by, now=now)
    except RefusedError as refused:
        _record_failure(authority, refused, by=by, now=now)
        raise


def _signed_by_itself(
    authority: Authority, *, life: dt.timedelta | None, now: dt.datetime
) -> x509.Certificate:
    with signer_of(authority) as key:
        if authority.mode == Mode.COMPAT:
            return renew_as_cfssl(loaded(authority), key=key, now=now)
        return renewed_authority(loaded(authority), dates=NewDates(now=now, life=life), signer=key)


def loaded(authority: Authority) -> x509.Certificate:
    """Return the authority's certificate as the library's value."""
    return x509.load_pem_x509_certificate(authority.certificate_pem.encode())


def _renew_under_parent(
    authority: Authority,
    parent: Authority,
    *,
    life: dt.timedelta | None,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """The parent signs it as it signs any certificate: a request first, then a row among what it
    issued.
    """
    require_issuing(parent)
    dates_of_renewal(authority, life=life, now=now)
    request = _request_of_parent(authority, parent, by=by, now=now)
    try:
        with signer_of(parent) as key:
            certificate = renewed_authority(
                loaded(authority),
                dates=NewDates(now=now, life=life),
                signer=key,
                issuer=loaded(parent),
                serial=int(request.serial, 16),
            )
    except (RefusedError, VaultError) as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    signed = Signed(
        certificate=certificate, file_base=authority.file_base, detail={"renewed": authority.slug}
    )
    with transaction.atomic():
        # First of all, whole: whoever is issuing under it right now holds it, and comes to an end.
        Authority.objects.select_for_update().get(pk=authority.pk)
        row = store_certificate(request, signed, by=by, now=now)
        row.kind = Kind.AUTHORITY
        row.save(update_fields=["kind"])
        made = NewCertificate(certificate=certificate, issued_as=row, how=parent.slug)
        return exchange_certificate(authority, made, by=by, now=now)


def _request_of_parent(
    authority: Authority, parent: Authority, *, by: Actor, now: dt.datetime
) -> SigningRequest:
    """Write the intent, once for each certificate that is renewed. Raises `AlreadyRenewed`."""
    with transaction.atomic():
        locked = Authority.objects.select_for_update(no_key=True).get(pk=authority.pk)
        renews = locked.issued_as
        taken = SigningRequest.objects.filter(
            renews=renews, state__in=(State.SIGNING, State.ISSUED)
        )
        if locked.fingerprint_sha256 != authority.fingerprint_sha256 or (renews and taken.exists()):
            raise already_renewed()
        request = SigningRequest.objects.create(
            authority=parent,
            profile=renews.profile if renews else "",
            state=State.SIGNING,
            serial=f"{new_serial():040x}",
            subject=authority.subject,
            request_spec=authority.request_spec,
            csr_pem=authority.csr_pem,
            requested_at=now,
            requested_by_id=by.id,
            requester_name=by.name,
            renews=renews,
        )
        record_intent(request, by=by, now=now, role=Role.ADMINISTRATOR)
    return request


@transaction.atomic
def exchange_certificate(
    authority: Authority, made: NewCertificate, *, by: Actor, now: dt.datetime
) -> Authority:
    """Put the new certificate in the place of the one that was seen, once, and keep that one."""
    facts, before = certificate_facts(made.certificate), authority.fingerprint_sha256
    changed = Authority.objects.filter(pk=authority.pk, fingerprint_sha256=before).update(
        serial=facts.serial.zfill(40),
        fingerprint_sha256=facts.sha256,
        not_before=facts.not_before,
        not_after=facts.not_after,
        certificate_pem=certificate_pem(made.certificate),
        chain_pem=made.chain_pem,
        issued_as=made.issued_as,
    )
    if not changed:
        raise already_renewed()
    _keep_earlier(authority, by=by, now=now)
    record(
        "authority.renewed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={
            "signed_by": made.how,
            "serial": facts.serial.zfill(40),
            "sha256": facts.sha256,
            "not_after": facts.not_after.isoformat(),
            "earlier_sha256": before,
        },
        at=now,
    )
    return Authority.objects.get(pk=authority.pk)


def _keep_earlier(authority: Authority, *, by: Actor, now: dt.datetime) -> None:
    AuthorityCertificate.objects.create(
        authority=authority,
        role=OtherRole.EARLIER,
        issuer=authority.parent,
        issued_as=authority.issued_as,
        issuer_subject=format_subject(loaded(authority).issuer),
        serial=authority.serial,
        fingerprint_sha256=authority.fingerprint_sha256,
        not_before=authority.not_before,
        not_after=authority.not_after,
        pem=authority.certificate_pem,
        chain_pem=authority.chain_pem,
        added_at=now,
        added_by=by.name,
    )


def _record_intent(
    authority: Authority, validity: Validity, *, by: Actor, now: dt.datetime
) -> None:
    require_ready_to_sign(now=now)
    record(
        "authority.renewed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        outcome=Outcome.INTENDED,
        detail={"not_after": validity.not_after.isoformat()},
        at=now,
    )


def _record_failure(
    authority: Authority, refused: RefusedError, *, by: Actor, now: dt.datetime
) -> None:
    record(
        "authority.renewed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        outcome=Outcome.FAILED,
        detail={"why": str(refused)},
        at=now,
    )


def require_seen(authority: Authority, seen: str) -> None:
    if seen != authority.fingerprint_sha256:
        raise AlreadyRenewed(
            _n(
                "Meanwhile this authority got another certificate than the one that the page "
                "showed. Look at the present one first."
            )
        )
