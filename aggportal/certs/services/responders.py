"""The certificate with which an authority's OCSP answers are signed: short-lived, made at the first
question, replaced when a third of its life is left.
"""

from __future__ import annotations

import datetime as dt
import logging
import time

from cryptography import x509
from django.db import transaction
from django.db.models import Exists, OuterRef

from aggportal.certs.models import Authority, Certificate, Kind, SigningRequest, State
from aggportal.certs.services.file_names import with_ending
from aggportal.certs.services.intents import (
    Signed,
    record_failure,
    record_intent,
    store_certificate,
)
from aggportal.certs.services.keys import open_key
from aggportal.certs.services.signers import signer_of
from aggportal.certs.services.signing import sign_plan
from aggportal.pki.csrs import csr_pem, make_csr
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import plan_certificate
from aggportal.pki.keys import KeySpec, PrivateKey, generate_key, key_spec_of, require_allowed_key
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.profiles import Profile
from aggportal.pki.specs import RequestSpec
from aggportal.web.actors import system_actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

log = logging.getLogger("aggportal.ocsp")

# ocsp-nocheck: nobody asks whether it is revoked, hence its short life (RFC 6960 section
# 4.2.2.2.1).
PROFILE = Profile(
    name="ocsp-responder",
    usages=("signing", "ocsp signing"),
    expiry="720h",
    ocsp_no_check=True,
)
LEFT_SHARE = 1 / 3
# How long another process may take to make the first one.
_TAKES = dt.timedelta(minutes=1)
_TRIES, _PAUSE = 80, 0.1
_LONGEST_NAME = 64


class NoResponder(RefusedError):
    """Just now nobody can sign answers for this authority."""

    code = "no-responder"
    status = 503


def responder_of(authority: Authority, *, now: dt.datetime) -> Certificate:
    """Return the certificate that signs answers now; make one if there is none or if it is time.

    Raises `NoResponder` while another process is making the first, and what issuing raises.
    """
    newest = _newest(authority, now=now)
    if newest is not None and not _is_due(newest, authority, now=now):
        return newest
    claimed = _claim(authority, now=now)
    if claimed is not None:
        return _issue(*claimed, now=now)
    return newest or _awaited(authority, now=now)


def open_responder(certificate: Certificate) -> tuple[x509.Certificate, PrivateKey]:
    """Return what a responder signs with. Raises `CannotOpen`, `NoKey`."""
    if certificate.key is None:
        raise NoResponder(_n("The responder's key is not here."))
    key = open_key(certificate.key, spki=certificate.spki_sha256)
    return x509.load_pem_x509_certificate(certificate.material.pem.encode()), key


def authorities_with_responder() -> list[Authority]:
    """Return the authorities that somebody asked about; their responders are kept alive."""
    asked = Certificate.objects.filter(authority=OuterRef("pk"), kind=Kind.RESPONDER)
    return list(Authority.objects.select_related("key").filter(Exists(asked)))


def _newest(authority: Authority, *, now: dt.datetime) -> Certificate | None:
    rows = Certificate.objects.good(now=now).filter(authority=authority, kind=Kind.RESPONDER)
    return rows.select_related("key", "material").order_by("-not_after", "-pk").first()


def _is_due(certificate: Certificate, authority: Authority, *, now: dt.datetime) -> bool:
    if certificate.not_after >= authority.not_after:
        return False  # it lives as long as the authority does
    whole = certificate.not_after - certificate.not_before
    return certificate.not_after - now < whole * LEFT_SHARE


@transaction.atomic
def _claim(
    authority: Authority, *, now: dt.datetime
) -> tuple[SigningRequest, CertificatePlan] | None:
    """Write the intent, unless another process did, has made one or has just failed: None then.

    The authority's row is locked, so that one of many who come at once gets it.
    """
    own = Authority.objects.select_for_update(no_key=True).get(pk=authority.pk)
    # In this order: one that is stored between the two looks is seen by the second.
    if _lately(own, State.SIGNING, State.FAILED, now=now):
        return None
    newest = _newest(own, now=now)
    if newest is not None and not _is_due(newest, own, now=now):
        return None
    plan = _plan(own, now=now)
    by = system_actor(PROFILE.name)
    request = SigningRequest.objects.create(
        authority=own,
        profile=PROFILE.name,
        state=State.SIGNING,
        serial=f"{plan.serial:040x}",
        subject=plan.subject.rfc4514_string(),
        requested_at=now,
        requester_name=by.name,
    )
    record_intent(request, by=by, now=now)
    return request, plan


def _lately(authority: Authority, *states: State, now: dt.datetime) -> bool:
    rows = SigningRequest.objects.filter(authority=authority, profile=PROFILE.name)
    return rows.filter(state__in=states, requested_at__gt=now - _TAKES).exists()


def _issue(request: SigningRequest, plan: CertificatePlan, *, now: dt.datetime) -> Certificate:
    by, spec = system_actor(PROFILE.name), _spec(request.authority)
    try:
        key = generate_key(spec.key)
        with signer_of(request.authority) as issuer_key:
            signed = sign_plan(plan, public_key=key.public_key(), issuer_key=issuer_key)
    except RefusedError as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    request.csr_pem = csr_pem(make_csr(spec, key=key))
    made = Signed(
        certificate=signed,
        file_base=with_ending(request.authority.file_base, "-ocsp"),
        key=key,
        exportable=False,
        detail={"exportable": False},
    )
    with transaction.atomic():
        certificate = store_certificate(request, made, by=by, now=now)
        certificate.kind = Kind.RESPONDER
        certificate.save(update_fields=["kind"])
    return certificate


def _plan(authority: Authority, *, now: dt.datetime) -> CertificatePlan:
    return plan_certificate(
        _spec(authority),
        profile=PROFILE,
        issuer=issuer_of(_certificate(authority)),
        now=now,
        end_with_issuer=True,
    )


def _spec(authority: Authority) -> RequestSpec:
    """A name of its own, and a key of the kind that whoever checks the authority can check."""
    name = f"OCSP {authority.common_name or authority.label}"[:_LONGEST_NAME]
    return RequestSpec(common_name=name, key=_key_spec(authority))


def _key_spec(authority: Authority) -> KeySpec:
    spec = key_spec_of(require_allowed_key(_certificate(authority).public_key()))
    return KeySpec(algo="rsa", size=2048) if spec.algo == "rsa" else spec


def _certificate(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.certificate_pem.encode())


def _awaited(authority: Authority, *, now: dt.datetime) -> Certificate:
    """Wait a few seconds for the one that another process is making."""
    for _ in range(_TRIES):
        # In this order: one that is stored between the two looks is seen by the second.
        is_made = _lately(authority, State.SIGNING, now=now)
        found = _newest(authority, now=now)
        if found is not None:
            return found
        if not is_made:
            break
        time.sleep(_PAUSE)
    raise NoResponder(_n("Just now no answer can be signed for this authority."))
