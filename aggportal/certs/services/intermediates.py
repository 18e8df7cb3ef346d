"""Authorities that another authority of ours signs."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from cryptography import x509
from django.db import IntegrityError, transaction

from aggportal.certs.models import (
    Authority,
    Certificate,
    KeyHome,
    Kind,
    Mode,
    SealedKey,
    SigningRequest,
)
from aggportal.certs.services.authorities import require_free_slug, slug_taken
from aggportal.certs.services.authority_rows import (
    AuthorityChoices,
    Papers,
    Standing,
    store_signed_authority,
)
from aggportal.certs.services.chains import Retired, issuer_for
from aggportal.certs.services.intents import (
    Signed,
    create_intent,
    record_failure,
    store_certificate,
)
from aggportal.certs.services.lanes import require_authority_lane
from aggportal.certs.services.signers import new_authority_key, signer_of
from aggportal.certs.services.signing import sign_plan
from aggportal.certs.signing_configs import config_of
from aggportal.pki.csrs import csr_pem, make_csr
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import require_base_name
from aggportal.pki.facts import certificate_facts
from aggportal.pki.intermediates import plan_intermediate
from aggportal.pki.jsontext import dump_json
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.profiles import Profile
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


def addresses_of(authority: Authority) -> Profile:
    """Return the profile whose URLs go into authorities that `authority` signs: its first one for
    authorities, else the default one.
    """
    config = config_of(authority)
    own = next((one.name for one in config.profiles if one.ca_constraint.is_ca), "")
    return config.profile(own)


def plan_below(parent: Authority, spec: RequestSpec, *, now: dt.datetime) -> CertificatePlan:
    """Decide every field of an authority that `parent` would sign.

    Raises what `plan_intermediate` raises, and `Retired` on `signed_by`.
    """
    try:
        issuer = issuer_for(parent)
    except Retired as refused:
        refused.field = "signed_by"
        raise
    return plan_intermediate(
        spec,
        issuer=issuer,
        addresses=addresses_of(parent),
        now=now,
        compat=parent.mode == Mode.COMPAT,
    )


def create_intermediate(
    spec: RequestSpec,
    choices: AuthorityChoices,
    *,
    parent: Authority,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """Make key, CSR and certificate of an authority below `parent`: a row among what that issued,
    and an authority of its own.

    The intent is committed before the parent's key is opened. Raises what the core refuses,
    `SlugTaken` and `Retired`.
    """
    require_base_name(choices.file_base, field="file_base")
    if choices.file_base == parent.file_base:
        words = _n("The files of “%(label)s” are called so. Choose another name.")
        raise InvalidField(words, field="file_base", label=parent.label)
    require_free_slug(choices.slug)
    _require_takeable_key(choices)
    plan = plan_below(parent, spec, now=now)
    passed = require_authority_lane(
        choices.lane,
        plan.subject,
        override_reason=choices.override_reason,
        now=now,
        parent=parent,
    )
    spec_text = dump_json(dump_request_spec(spec))
    request = create_intent(parent, plan, spec_text, by=by, now=now)
    request.override_reason = passed.reason
    chosen = replace(choices, override_reason=passed.reason)
    made = new_authority_key(spec.key, home=choices.key_home, label=choices.slug)
    try:
        with made as (key, sealed):
            request.csr_pem = csr_pem(make_csr(spec, key=key, compat=plan.compat))
            public_key = key.public_key()
            with signer_of(parent) as issuer_key:
                signed = sign_plan(
                    plan, public_key=public_key, issuer_key=issuer_key, passed=passed
                )
            return _store(request, signed, sealed, chosen, by=by, now=now)
    except RefusedError as refused:
        record_failure(request, refused, by=by, now=now)
        raise
    except IntegrityError as clash:
        taken = slug_taken(choices.slug)
        record_failure(request, taken, by=by, now=now)
        raise taken from clash


@transaction.atomic
def _store(
    request: SigningRequest,
    signed: x509.Certificate,
    sealed: SealedKey,
    choices: AuthorityChoices,
    *,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    detail: dict[str, object] = {"authority_made": choices.slug}
    row = store_authority_row(request, signed, file_base=choices.file_base, detail=detail, by=by)
    sealed.save(force_insert=True)
    return store_signed_authority(
        certificate_facts(signed),
        choices,
        Standing(parent=request.authority, issued_as=row),
        Papers(csr_pem=request.csr_pem, request_spec=request.request_spec, key=sealed),
        by=by,
        now=now,
    )


def _require_takeable_key(choices: AuthorityChoices) -> None:
    """Refuse a key that is to leave for cert-manager and is to be made where it cannot."""
    if choices.key_may_leave and choices.key_home == KeyHome.TOKEN:
        raise InvalidField(
            _n(
                "A key in a token cannot leave it. Take this tick away, or let the key be sealed "
                "in the database."
            ),
            field="key_may_leave",
        )


def store_authority_row(
    request: SigningRequest,
    signed: x509.Certificate,
    *,
    file_base: str,
    detail: dict[str, object],
    by: Actor,
) -> Certificate:
    """Store an authority's certificate among what its issuer issued, in the caller's transaction.

    Its key stays with the authority.
    """
    made = Signed(certificate=signed, file_base=file_base, exportable=False, detail=detail)
    row = store_certificate(request, made, by=by, now=request.requested_at)
    row.kind = Kind.AUTHORITY
    row.save(update_fields=["kind"])
    return row
