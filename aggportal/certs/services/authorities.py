"""Making authorities."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.db import IntegrityError, transaction

from aggportal.accounts.roles import Role, require_actor_role
from aggportal.certs.models import Authority, Mode
from aggportal.certs.services.authority_rows import (
    AuthorityChoices,
    Papers,
    Standing,
    authority_row,
    store_authority,
)
from aggportal.certs.services.lanes import Passed, require_authority_lane
from aggportal.certs.services.signers import new_authority_key
from aggportal.certs.services.signing import sign_plan
from aggportal.ledger.models import Outcome
from aggportal.ledger.readiness import require_ready_to_sign
from aggportal.ledger.services import record
from aggportal.pki.csrs import csr_pem, make_csr
from aggportal.pki.errors import InvalidField
from aggportal.pki.exports import require_base_name
from aggportal.pki.facts import certificate_facts
from aggportal.pki.issuing import plan_authority
from aggportal.pki.jsontext import dump_json
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


class SlugTaken(RefusedError):
    """Another authority has this short name."""

    code = "slug_taken"


def create_authority(
    spec: RequestSpec, choices: AuthorityChoices, *, by: Actor, now: dt.datetime
) -> Authority:
    """Make key, CSR and self-signed certificate of a new authority; the key is sealed before it is
    stored.

    Raises what `plan_authority` raises, and SlugTaken.
    """
    require_ready_to_sign(now=now)
    require_actor_role(by, Role.ADMINISTRATOR)
    require_base_name(choices.file_base, field="file_base")
    _require_staying_key(choices)
    require_free_slug(choices.slug)
    plan = plan_authority(spec, now=now, compat=choices.mode == Mode.COMPAT)
    passed = require_authority_lane(
        choices.lane, plan.subject, override_reason=choices.override_reason, now=now
    )
    record(
        "authority.created",
        actor=by,
        subject=("authority", choices.slug, choices.label),
        outcome=Outcome.INTENDED,
        detail={"serial": f"{plan.serial:040x}", "lane": choices.lane.value, "key": plan.key},
        at=now,
    )
    try:
        return _signed_and_stored(spec, choices, plan, passed, by=by, now=now)
    except RefusedError as refused:
        _record_failure(choices, refused, by=by, now=now)
        raise
    except IntegrityError as exc:
        taken = slug_taken(choices.slug)
        _record_failure(choices, taken, by=by, now=now)
        raise taken from exc


def _signed_and_stored(
    spec: RequestSpec,
    choices: AuthorityChoices,
    plan: CertificatePlan,
    passed: Passed,
    *,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """Make key, CSR and certificate, and store them. Raises what making a key and signing raise."""
    made = new_authority_key(spec.key, home=choices.key_home, label=choices.slug)
    with made as (key, sealed):
        csr = make_csr(spec, key=key, compat=plan.compat)
        certificate = sign_plan(plan, public_key=key.public_key(), issuer_key=key, passed=passed)
        papers = Papers(
            csr_pem=csr_pem(csr), request_spec=dump_json(dump_request_spec(spec)), key=sealed
        )
        authority = authority_row(
            certificate_facts(certificate),
            replace(choices, override_reason=passed.reason),
            Standing(),
            papers,
            by=by,
            now=now,
        )
        _store(authority, passed, by=by, now=now)
    return authority


def _record_failure(
    choices: AuthorityChoices, refused: RefusedError, *, by: Actor, now: dt.datetime
) -> None:
    record(
        "authority.created",
        actor=by,
        subject=("authority", choices.slug, choices.label),
        outcome=Outcome.FAILED,
        detail={"why": str(refused)},
        at=now,
    )


def _require_staying_key(choices: AuthorityChoices) -> None:
    """Refuse a root whose key may leave: nobody could revoke it if it were lost."""
    if choices.key_may_leave:
        raise InvalidField(
            gettext_noop(
                "The key of an authority that signs itself never leaves: nobody could revoke it if "
                "it were lost. Let another authority sign this one, or take the tick away."
            ),
            field="key_may_leave",
        )


@transaction.atomic
def _store(authority: Authority, passed: Passed, *, by: Actor, now: dt.datetime) -> None:
    authority.key.save(force_insert=True)
    store_authority(authority, passed.detail, by=by, now=now)


@transaction.atomic
def change_allowed_names(authority: Authority, names: str, *, by: Actor, now: dt.datetime) -> None:
    """Keep which CNs may act as front proxy under `authority`, one name a line."""
    before = authority.allowed_names
    if names == before:
        return
    authority.allowed_names = names
    authority.save(update_fields=["allowed_names"])
    record(
        "authority.names_changed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={"before": before.splitlines(), "after": names.splitlines()},
        at=now,
    )


def require_free_slug(slug: str) -> None:
    """Refuse a short name that another authority has."""
    if Authority.objects.filter(slug=slug).exists():
        raise slug_taken(slug)


def slug_taken(slug: str) -> SlugTaken:
    """Say that another authority has this short name."""
    return SlugTaken(
        gettext_noop("Another authority is called “%(slug)s”. Choose a name of its own."),
        field="slug",
        slug=slug,
    )
