"""Bringing authorities that were made elsewhere, with what they signed: all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from django.db import IntegrityError, transaction

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.authorities import SlugTaken, require_free_slug
from aggportal.certs.services.authority_rows import (
    AuthorityChoices,
    Papers,
    Standing,
    authority_row,
)
from aggportal.certs.services.importing import (
    Incoming,
    adopt_watched,
    incoming,
    store_imported,
    store_unknown,
)
from aggportal.certs.services.importing_plans import require_known_issuer, require_new_authority
from aggportal.certs.services.keys import seal_key
from aggportal.certs.services.lanes import require_authority_lane
from aggportal.certs.services.lineage import Lineage
from aggportal.ledger.services import record
from aggportal.pki.existing import (
    request_of,
    require_own_key,
    require_signing_authority,
    spec_text_of,
)
from aggportal.pki.exports import require_base_name
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import PrivateKey
from aggportal.pki.reading import load_certificate
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop


class ItemRefused(RefusedError):
    """One of several things was refused, and so nothing came in.

    `kind` is authority or certificate, `number` its place, `refused` what the core said of it.
    """

    code = "item_refused"

    def __init__(self, *, kind: str, number: int, refused: RefusedError) -> None:
        self.kind, self.number, self.refused = kind, number, refused
        super().__init__(refused.sentence.text, field=refused.field, **refused.sentence.params)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityToImport:
    """One authority to bring in. `number` is its place among the choices."""

    number: int
    facts: CertificateFacts
    key: PrivateKey = field(repr=False)
    choices: AuthorityChoices
    allowed_names: str = ""
    override_reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateToImport:
    """One certificate to watch; `key` is None unless it is to be kept too."""

    number: int
    facts: CertificateFacts
    sources: tuple[str, ...] = ()
    key: PrivateKey | None = field(default=None, repr=False)
    exportable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What came in; `adopted` counts certificates that were watched before and have found their
    authority.
    """

    authorities: tuple[Authority, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    adopted: int = 0


@transaction.atomic
def import_all(
    authorities: Sequence[AuthorityToImport],
    certificates: Sequence[CertificateToImport],
    *,
    given: Sequence[CertificateFacts],
    by: Actor,
    now: dt.datetime,
    then: Callable[[Imported], None] = lambda _imported: None,
) -> Imported:
    """Bring in everything or nothing; `given` is all that came together, for the chains, and `then`
    is done in the same transaction.

    Raises ItemRefused.
    """
    lineage = Lineage(given)
    brought, adopted = [], 0
    # Who was signed by another of them comes after it.
    for item in sorted(authorities, key=lambda one: len(lineage.chain_of(one.facts)[1])):
        try:
            authority = import_authority(item, lineage=lineage, by=by, now=now)
        except RefusedError as refused:
            raise ItemRefused(kind="authority", number=item.number, refused=refused) from refused
        lineage.add(authority)
        brought.append(authority)
        adopted += adopt_watched(authority) + _adopt_authorities(authority, by=by, now=now)
    stored = [_import_certificate(one, lineage=lineage, by=by, now=now) for one in certificates]
    imported = Imported(authorities=tuple(brought), certificates=tuple(stored), adopted=adopted)
    then(imported)
    return imported


def _import_certificate(
    item: CertificateToImport, *, lineage: Lineage, by: Actor, now: dt.datetime
) -> Certificate:
    given = incoming(
        item.facts,
        lineage=lineage,
        sources=item.sources,
        key=item.key,
        exportable=item.exportable,
    )
    try:
        return store_imported(given, by=by, now=now)
    except RefusedError as refused:
        raise ItemRefused(kind="certificate", number=item.number, refused=refused) from refused


@transaction.atomic
def import_authority(
    item: AuthorityToImport, *, lineage: Lineage, by: Actor, now: dt.datetime
) -> Authority:
    """Store one authority with its sealed key; one that is over comes in retired.

    Raises `NotAnAuthority`, `KeyMismatch`, `InvalidKey`, SlugTaken and what the lanes forbid.
    """
    facts, choices = item.facts, item.choices
    require_signing_authority(facts)
    require_own_key(facts, item.key)
    require_base_name(choices.file_base, field="file_base")
    require_free_slug(choices.slug)
    require_new_authority(facts)
    parent, chain = lineage.chain_of(facts)
    require_known_issuer(facts, parent=parent, chain=chain)
    passed = require_authority_lane(
        choices.lane,
        load_certificate(facts).subject,
        override_reason=item.override_reason,
        now=now,
        spki_sha256=facts.spki_sha256,
        parent=parent,
    )
    row = _row_under_parent(facts, parent, by=by, now=now) if parent else None
    outside = "" if parent else "".join(step.pem for step in chain)
    authority = authority_row(
        facts,
        replace(choices, override_reason=passed.reason),
        Standing(parent=parent, issued_as=row, chain_pem=outside),
        Papers(
            csr_pem=request_of(facts, item.key),
            request_spec=spec_text_of(facts, item.key),
            key=seal_key(item.key, purpose="authority-key"),
        ),
        by=by,
        now=now,
    )
    authority.imported, authority.allowed_names = True, item.allowed_names
    authority.retired_at = now if facts.not_after < now else None
    try:
        with transaction.atomic():
            authority.key.save(force_insert=True)
            authority.save(force_insert=True)
    except IntegrityError as exc:  # somebody else was quicker
        require_new_authority(facts)
        require_free_slug(choices.slug)
        raise SlugTaken(
            gettext_noop("Another authority was made at the same moment. Try again."), field="slug"
        ) from exc
    _record(authority, passed.detail, by=by, now=now)
    return authority


def _row_under_parent(
    facts: CertificateFacts, parent: Authority, *, by: Actor, now: dt.datetime
) -> Certificate:
    """Return its row among what the parent issued, so that it can be revoked there."""
    known = Certificate.objects.filter(fingerprint_sha256=facts.sha256).first()
    if known is not None:
        return known
    return store_imported(Incoming(facts=facts, authority=parent), by=by, now=now)


def _adopt_authorities(authority: Authority, *, by: Actor, now: dt.datetime) -> int:
    """Put authorities under the one that has come in and proves to have signed them, each with its
    row there, so that it can be revoked.
    """
    lineage = Lineage()
    adopted = 0
    waiting = Authority.objects.filter(parent=None).exclude(chain_pem="").exclude(pk=authority.pk)
    for child in waiting:
        facts = lineage.facts_of(child)
        if lineage.authority_of(facts) == authority:
            row = _row_of_child(facts, authority, by=by, now=now)
            changed = Authority.objects.filter(pk=child.pk, parent=None)
            adopted += changed.update(parent=authority, chain_pem="", issued_as=row)
    return adopted


def _row_of_child(
    facts: CertificateFacts, parent: Authority, *, by: Actor, now: dt.datetime
) -> Certificate | None:
    """Return the row of an authority that was here before its parent; None where the parent has
    another certificate of its serial number.
    """
    known = Certificate.objects.filter(fingerprint_sha256=facts.sha256).first()
    if known is not None or parent.certificates.filter(serial=facts.serial.zfill(40)).exists():
        return known
    return store_unknown(Incoming(facts=facts, authority=parent), by=by, now=now)


def _record(
    authority: Authority, detail: dict[str, object], *, by: Actor, now: dt.datetime
) -> None:
    record(
        "authority.imported",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={
            "serial": authority.serial,
            "subject": authority.subject[:1000],
            "lane": authority.lane,
            "key": authority.key_text,
            "sha256": authority.fingerprint_sha256,
            "not_after": authority.not_after.isoformat(),
            "parent": authority.parent.slug if authority.parent else "",
            "retired": authority.retired_at is not None,
            **detail,
        },
        at=now,
    )
