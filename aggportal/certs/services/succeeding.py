"""An authority with a new key in the place of another: both are trusted for a while, then the old
one issues no more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from django.db import transaction

from aggportal.certs.addresses import public_addresses
from aggportal.certs.models import Authority, Kind
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_renewing import SignedElsewhere, loaded
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.intermediates import create_intermediate
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.pki.durations import format_duration
from aggportal.pki.exports import ExportedFile, ca_config_map
from aggportal.pki.jsontext import dump_json
from aggportal.pki.reading import read_certificate
from aggportal.pki.renewing import request_spec_of_certificate
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import CaSpec, RequestSpec
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class AlreadySucceeded(RefusedError):
    """Another authority takes the place of this one."""

    code = "already-succeeded"


class RetirementChanged(RefusedError):
    """Somebody else retired the authority, or lets it issue again."""

    code = "retirement-changed"


def successor_of(authority: Authority) -> Authority | None:
    """Return the authority that takes the place of this one."""
    return Authority.objects.filter(predecessor=authority).first()


def spec_of_successor(authority: Authority) -> str:
    """Return the CSR JSON that a successor begins with: that of the authority, or what its
    certificate says where it was imported.
    """
    if authority.request_spec.strip():
        return authority.request_spec
    certificate = loaded(authority)
    facts = read_certificate(authority.certificate_pem)
    life = format_duration(facts.not_after - facts.not_before)
    limits = CaSpec(expiry=life, pathlen=facts.path_length or 0, pathlenzero=facts.path_length == 0)
    spec = replace(request_spec_of_certificate(certificate), hosts=(), ca=limits)
    return dump_json(dump_request_spec(spec))


def require_successible(authority: Authority) -> None:
    """Refuse a second successor, and one that only an outside CA could sign.

    Raises `AlreadySucceeded`, `SignedElsewhere`.
    """
    successor = successor_of(authority)
    if successor is not None:
        raise AlreadySucceeded(
            _n("“%(label)s” takes the place of this authority already."), label=successor.label
        )
    if authority.parent_id is None and not authority.is_root:
        raise SignedElsewhere(
            _n(
                "An outside CA signed this authority. Make a request of your own for a new one, "
                "have it signed there, and retire this one when nothing hangs on it any more."
            )
        )


def create_successor(
    authority: Authority,
    spec: RequestSpec,
    choices: AuthorityChoices,
    *,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """Make an authority with a new key in the place of `authority`, under the same parent.

    `choices.signing_config` is the predecessor's, its own addresses exchanged. Raises what making
    an authority raises, `AlreadySucceeded` and `SignedElsewhere`.
    """
    require_successible(authority)
    _record(authority, "authority.rekeyed", by=by, now=now, outcome=Outcome.INTENDED)
    try:
        return _create(authority, spec, _with_own_addresses(authority, choices), by=by, now=now)
    except RefusedError as refused:
        why = {"why": str(refused)}
        failed = Outcome.FAILED
        _record(authority, "authority.rekeyed", by=by, now=now, outcome=failed, detail=why)
        raise


@transaction.atomic
def retire_authority(authority: Authority, *, by: Actor, now: dt.datetime) -> None:
    """Let it issue no more; it still publishes its list for what it issued. Raises
    `RetirementChanged`.
    """
    left = good_certificates(authority, now=now)
    if not Authority.objects.filter(pk=authority.pk, retired_at=None).update(retired_at=now):
        raise RetirementChanged(_n("Somebody else retired this authority before."))
    _record(authority, "authority.retired", by=by, now=now, detail={"good": left})


@transaction.atomic
def reinstate_authority(authority: Authority, *, by: Actor, now: dt.datetime) -> None:
    """Let a retired authority issue again. Raises `RetirementChanged`."""
    retired = Authority.objects.filter(pk=authority.pk, retired_at__isnull=False)
    if not retired.update(retired_at=None):
        raise RetirementChanged(_n("This authority is not retired any more."))
    _record(authority, "authority.reinstated", by=by, now=now)


def good_certificates(authority: Authority, *, now: dt.datetime) -> int:
    """Count the good certificates that hang on this authority, those of its responder left out."""
    return authority.certificates.good(now=now).exclude(kind=Kind.RESPONDER).count()


def overlap_files(authority: Authority, successor: Authority) -> tuple[ExportedFile, ...]:
    """Return old and new certificate in one: PEM for --requestheader-client-ca-file and
    --client-ca-file, and a ConfigMap.
    """
    both = tuple(read_certificate(one.certificate_pem) for one in (authority, successor))
    base = f"{authority.file_base}-and-successor"
    name = f"{authority.slug.lower().replace('_', '-').strip('-') or 'authority'}-overlap"
    config_map = ca_config_map(name, namespace="kube-system", authorities=both)
    return (
        ExportedFile(name=f"{base}.pem", body="".join(facts.pem for facts in both).encode()),
        ExportedFile(name=f"{base}-configmap.yaml", body=config_map.encode()),
    )


@transaction.atomic
def _create(
    authority: Authority,
    spec: RequestSpec,
    choices: AuthorityChoices,
    *,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """Whoever is second waits for the row, and is refused."""
    locked = Authority.objects.select_for_update(no_key=True).get(pk=authority.pk)
    require_successible(locked)
    if authority.parent is not None:
        made = create_intermediate(spec, choices, parent=authority.parent, by=by, now=now)
    else:
        made = create_authority(spec, choices, by=by, now=now)
    made.predecessor, made.allowed_names = locked, locked.allowed_names
    made.crl_hours = locked.crl_hours
    made.save(update_fields=["predecessor", "allowed_names", "crl_hours"])
    _record(authority, "authority.rekeyed", by=by, now=now, detail={"successor": made.slug})
    return made


def _with_own_addresses(authority: Authority, choices: AuthorityChoices) -> AuthorityChoices:
    """A certificate must name the list and the responder of the authority that signed it."""
    before, after = public_addresses(authority), public_addresses(Authority(slug=choices.slug))
    config = choices.signing_config
    if before:
        for name in ("crl", "ocsp", "certificate"):
            old, new = getattr(before, name), getattr(after, name)
            config = config.replace(f'"{old}"', f'"{new}"')
    return replace(choices, signing_config=config)


def _record(
    authority: Authority,
    action: str,
    *,
    by: Actor,
    now: dt.datetime,
    outcome: Outcome = Outcome.DONE,
    detail: Mapping[str, object] | None = None,
) -> None:
    record(
        action,
        actor=by,
        subject=("authority", authority.slug, authority.label),
        outcome=outcome,
        detail=detail or {},
        at=now,
    )
