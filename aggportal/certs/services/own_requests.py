"""Key and CSR only (`cfssl genkey`): made here, signed elsewhere, and what becomes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from aggportal.certs.models import Authority, KeyHome, Lane, Mode, OwnRequest, Purpose, SealedKey
from aggportal.certs.services.authorities import SlugTaken, require_free_slug
from aggportal.certs.services.authority_names import free_slug
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.keys import open_key, seal_key
from aggportal.certs.services.lanes import require_authority_lane
from aggportal.certs.services.signers import new_authority_key
from aggportal.ledger.services import record
from aggportal.pki.csrs import csr_pem, make_csr
from aggportal.pki.errors import InvalidField, MissingSubject, PkiError
from aggportal.pki.exports import require_base_name
from aggportal.pki.facts import key_text
from aggportal.pki.hosts import classify_hosts
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import PrivateKey, generate_key, private_key_pem, require_key_spec
from aggportal.pki.names import build_subject, format_subject
from aggportal.pki.powernames import require_no_power_names
from aggportal.pki.requests import dump_request_spec
from aggportal.pki.specs import RequestSpec, has_subject
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class AlreadyAnswered(RefusedError):
    """The certificate for the request came back before, or somebody dropped the request."""

    code = "already-answered"


class OwnKeyStays(PkiError):
    """The private key of the request does not leave."""

    code = "own-key-stays"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnChoices:
    """How to make a key and a CSR for a certificate."""

    file_base: str
    exportable: bool = True


def create_own_request(
    spec: RequestSpec, choices: OwnChoices, *, by: Actor, now: dt.datetime
) -> OwnRequest:
    """Make key and CSR for a certificate that another CA is to sign; the key is sealed.

    Raises what the core refuses.
    """
    require_base_name(choices.file_base, field="file_base")
    if spec.ca is not None:
        words = _n("A ca section asks for an authority. Make one on the page for authorities.")
        raise InvalidField(words, field="ca")
    row = OwnRequest(
        purpose=Purpose.CERTIFICATE,
        file_base=choices.file_base,
        exportable=choices.exportable,
    )
    return _made(row, spec, {}, by=by, now=now)


def create_authority_request(
    spec: RequestSpec, choices: AuthorityChoices, *, by: Actor, now: dt.datetime
) -> OwnRequest:
    """Make key and CSR of an authority that an outside CA is to sign. Its key never leaves.

    Raises what the core refuses, and `SlugTaken`.
    """
    require_base_name(choices.file_base, field="file_base")
    require_free_slug(choices.slug)
    require_unwanted_slug(choices.slug)
    if choices.key_may_leave:
        words = _n("Only the key of an authority that one of ours signs may leave.")
        raise InvalidField(words, field="key_may_leave")
    passed = require_authority_lane(
        choices.lane, build_subject(spec), override_reason=choices.override_reason, now=now
    )
    row = OwnRequest(
        purpose=Purpose.AUTHORITY,
        file_base=choices.file_base,
        exportable=False,
        slug=choices.slug,
        label=choices.label,
        lane=choices.lane,
        mode=choices.mode,
        signing_config=choices.signing_config,
    )
    return _made(row, spec, passed.detail, home=choices.key_home, by=by, now=now)


def require_unwanted_slug(slug: str) -> None:
    """Refuse a short name that an open request of ours waits to give. Raises `SlugTaken`."""
    if OwnRequest.objects.filter(slug=slug, answered_at=None).exists():
        words = _n("Another authority is to be called “%(slug)s”. Choose a name of its own.")
        raise SlugTaken(words, field="slug", slug=slug)


def authority_choices(own: OwnRequest, *, override_reason: str = "") -> AuthorityChoices:
    """Return what the authority that `own` asks for is to be; its short name gives way to one that
    another authority took meanwhile.
    """
    taken = Authority.objects.filter(slug=own.slug).exists()
    return AuthorityChoices(
        label=own.label,
        slug=free_slug(own.label) if taken else own.slug,
        lane=Lane(own.lane),
        mode=Mode(own.mode),
        file_base=own.file_base,
        signing_config=own.signing_config,
        override_reason=override_reason,
    )


def _made(
    row: OwnRequest,
    spec: RequestSpec,
    detail: dict[str, object],
    *,
    home: KeyHome = KeyHome.DATABASE,
    by: Actor,
    now: dt.datetime,
) -> OwnRequest:
    compat = row.mode == Mode.COMPAT
    if not has_subject(spec) and not spec.hosts:
        words = _n("Give a CN, something in names, or a host: nobody could be meant otherwise.")
        raise MissingSubject(words, field="CN")
    require_no_power_names(build_subject(spec), classify_hosts(spec.hosts, compat=compat))
    require_key_spec(spec.key)
    with _new_key(row, spec, home) as (key, sealed):
        csr = make_csr(spec, key=key, compat=compat)
        row.key, row.spki_sha256 = sealed, sealed.binding
        row.subject, row.key_text = format_subject(csr.subject), key_text(key.public_key())
        row.csr_pem, row.request_spec = csr_pem(csr), dump_json(dump_request_spec(spec))
        row.created_at, row.created_by = now, by.name
        with transaction.atomic():
            sealed.save(force_insert=True)
            row.save(force_insert=True)
            record_own("created", row, {**detail, "exportable": row.exportable}, by=by, now=now)
    return row


@contextmanager
def _new_key(
    row: OwnRequest, spec: RequestSpec, home: KeyHome
) -> Iterator[tuple[PrivateKey, SealedKey]]:
    """Make the key of a certificate, or of an authority, which may live in a token."""
    if row.purpose == Purpose.AUTHORITY:
        with new_authority_key(spec.key, home=home, label=row.slug) as made:
            yield made
    else:
        key = generate_key(spec.key)
        yield key, seal_key(key, purpose="certificate-key")


def drop_own_request(own: OwnRequest, *, by: Actor, now: dt.datetime) -> None:
    """Delete an open request and its private key, exactly once. Raises `AlreadyAnswered`."""
    with transaction.atomic():
        claim_own_request(own, by=by, now=now)
        sealed = own.key
        record_own("dropped", own, {}, by=by, now=now)
        own.delete()
        sealed.delete()


def claim_own_request(own: OwnRequest, *, by: Actor, now: dt.datetime) -> None:
    """Take an open request in the caller's transaction: of many who come at once one gets it.

    Raises `AlreadyAnswered`.
    """
    waiting = OwnRequest.objects.filter(pk=own.pk, answered_at=None)
    if not waiting.update(answered_at=now, answered_by=by.name):
        words = _n("The certificate for this key came back before, or the request was dropped.")
        raise AlreadyAnswered(words)
    own.answered_at, own.answered_by = now, by.name


def take_own_key(own: OwnRequest, *, by: Actor, now: dt.datetime) -> str:
    """Return the private key as PEM under cfssl's labels, recorded before. Raises `OwnKeyStays`."""
    if own.purpose == Purpose.AUTHORITY or not own.exportable:
        words = _n("The private key of this request never leaves the portal.")
        raise OwnKeyStays(words)
    with transaction.atomic():
        pem = private_key_pem(open_key(own.key, spki=own.spki_sha256))
        record_own("key_taken", own, {"how": "file"}, by=by, now=now)
    return pem


def record_own(
    what: str, own: OwnRequest, detail: dict[str, object], *, by: Actor, now: dt.datetime
) -> None:
    """Write what became of a request into the ledger."""
    about = {"purpose": own.purpose, "key": own.key_text, "spki_sha256": own.spki_sha256}
    record(
        f"own_request.{what}",
        actor=by,
        subject=("own_request", own.pk, own.subject or own.file_base),
        detail={**about, **detail},
        at=now,
    )
