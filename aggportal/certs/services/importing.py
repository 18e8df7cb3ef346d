"""Certificates that were issued elsewhere: stored so that they are found, watched and revoked like
our own.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from aggportal.certs.models import (
    Authority,
    Certificate,
    CertificateMaterial,
    Kind,
    OcspAnswer,
    Origin,
)
from aggportal.certs.services.keys import seal_key
from aggportal.certs.services.lineage import Lineage
from aggportal.certs.services.name_entries import store_name_entries
from aggportal.ledger.services import record
from aggportal.pki.existing import require_own_key, require_storable
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import PrivateKey
from aggportal.pki.layouts import base_of
from aggportal.pki.reading import read_certificate
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, gettext_noop

_RESPONDER = ("ocsp signing",)
_MOST_ADOPTED = 10_000


class AlreadyHere(RefusedError):
    """The certificate is here already; `certificate` is its row, None for an authority's own."""

    code = "already_here"

    def __init__(self, text: str, *, certificate: Certificate | None, **params: object) -> None:
        self.certificate = certificate
        super().__init__(text, field="certificate", **params)


class SerialTaken(RefusedError):
    """The authority has another certificate of this serial number."""

    code = "serial_taken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A certificate that comes in. `chain` is what stands above it where no authority of ours does;
    `reason` is empty unless it comes in revoked.
    """

    facts: CertificateFacts
    authority: Authority | None = None
    chain: tuple[CertificateFacts, ...] = ()
    sources: tuple[str, ...] = ()
    key: PrivateKey | None = field(default=None, repr=False)
    exportable: bool = True
    reason: str = ""
    revoked_at: dt.datetime | None = None


def incoming(facts: CertificateFacts, *, lineage: Lineage, **rest: object) -> Incoming:
    """Put together what is known of a certificate that comes in."""
    authority, chain = lineage.chain_of(facts)
    return Incoming(facts=facts, authority=authority, chain=chain, **rest)  # type: ignore[arg-type]  # the fields of Incoming by name


@transaction.atomic
def store_imported(given: Incoming, *, by: Actor, now: dt.datetime) -> Certificate:
    """Store one certificate from elsewhere with its names, and its key where it is given.

    Raises AlreadyHere, SerialTaken, `KeyMismatch`, `InvalidCertificate`.
    """
    require_storable(given.facts)
    require_new(given)
    row = imported_row(given, by=by, now=now)
    if given.key is not None:
        require_own_key(given.facts, given.key)
        row.key = seal_key(given.key, purpose="certificate-key")
        row.key.save(force_insert=True)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as exc:  # somebody else was quicker
        require_new(given)
        raise _serial_taken(given) from exc
    material_of(row, given.facts).save(force_insert=True)
    store_name_entries(row, given.facts)
    forget_answers([given])
    _record(row, given, by=by, now=now)
    return row


def imported_row(given: Incoming, *, by: Actor, now: dt.datetime) -> Certificate:
    """Return the unsaved row of a certificate from elsewhere, without key."""
    facts = given.facts
    return Certificate(
        authority=given.authority,
        kind=_kind_of(facts),
        origin=Origin.IMPORTED,
        issuer_subject="" if given.authority else plain(facts.issuer),
        chain_pem="" if given.authority else "".join(step.pem for step in given.chain),
        serial=facts.serial.zfill(40),
        common_name=plain(facts.common_name)[:200],
        subject=plain(facts.subject),
        names="\n".join(f"{kind} {plain(value)}" for kind, value in facts.sans),
        profile="",
        key_text=facts.key[:40],
        file_base=_file_base(given),
        not_before=facts.not_before,
        not_after=facts.not_after,
        issued_at=now,
        issued_by=by.name,
        fingerprint_sha256=facts.sha256,
        spki_sha256=facts.spki_sha256,
        exportable=given.exportable,
        revoked_at=min(given.revoked_at or now, now) if given.reason else None,
        revoked_by=by.name if given.reason else "",
        revocation_reason=given.reason,
    )


def forget_answers(given: Iterable[Incoming]) -> None:
    """Forget kept OCSP answers about what was unknown until now."""
    for one in given:
        if one.authority is not None:
            serial = one.facts.serial.zfill(40)
            OcspAnswer.objects.filter(authority=one.authority, serial=serial).delete()


def material_of(row: Certificate, facts: CertificateFacts) -> CertificateMaterial:
    """Return the unsaved bulky part of a row that is saved."""
    return CertificateMaterial(certificate=row, pem=facts.pem, csr_pem="", request_spec="")


def require_new(given: Incoming) -> None:
    """Refuse what is here already, and a second certificate of one serial number."""
    facts = given.facts
    known = Certificate.objects.filter(fingerprint_sha256=facts.sha256).first()
    if known is not None:
        raise AlreadyHere(gettext_noop("It is here already."), certificate=known)
    if Authority.objects.filter(fingerprint_sha256=facts.sha256).exists():
        raise AlreadyHere(
            gettext_noop("It is the certificate of an authority here, and watched as such."),
            certificate=None,
        )
    serial = facts.serial.zfill(40)
    if given.authority and given.authority.certificates.filter(serial=serial).exists():
        raise _serial_taken(given)


@transaction.atomic
def adopt_watched(authority: Authority) -> int:
    """Put certificates that were watched before under the authority of ours that proves to have
    signed them; return how many.
    """
    lineage = Lineage()
    waiting = Certificate.objects.filter(authority=None, issuer_subject=plain(authority.subject))
    taken = set(authority.certificates.values_list("serial", flat=True))
    adopted = 0
    for row in waiting.select_related("material").order_by("pk")[:_MOST_ADOPTED]:
        signed = lineage.authority_of(read_certificate(row.material.pem))
        if signed is None or signed.pk != authority.pk or row.serial in taken:
            continue
        taken.add(row.serial)
        rows = Certificate.objects.filter(pk=row.pk, authority=None)
        adopted += rows.update(authority=authority, issuer_subject="", chain_pem="")
    return adopted


def plain(text: str) -> str:
    """Return `text` with control characters replaced: a database takes no NUL, a list no break."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def _kind_of(facts: CertificateFacts) -> Kind:
    if facts.is_ca:
        return Kind.AUTHORITY
    return Kind.RESPONDER if facts.extended_usages == _RESPONDER else Kind.LEAF


def _file_base(given: Incoming) -> str:
    """Return a name for its files that is not its authority's: the archive holds both."""
    base = base_of(given.sources, common_name=given.facts.common_name)
    taken = given.authority.file_base if given.authority else ""
    return f"{base}-leaf" if base == taken else base


def _serial_taken(given: Incoming) -> SerialTaken:
    return SerialTaken(
        gettext_noop(
            "Its authority “%(authority)s” has another certificate with the serial number "
            "%(serial)s. RFC 5280 wants each once, and a revocation would hit both."
        ),
        field="certificate",
        authority=given.authority.label if given.authority else "",
        serial=given.facts.serial,
    )


def _record(row: Certificate, given: Incoming, *, by: Actor, now: dt.datetime) -> None:
    record(
        "certificate.imported",
        actor=by,
        subject=("certificate", row.pk, str(row)),
        detail={
            "authority": given.authority.slug if given.authority else "",
            "issuer": plain(given.facts.issuer)[:1000],
            "serial": row.serial,
            "subject": row.subject[:1000],
            "sha256": row.fingerprint_sha256,
            "not_after": row.not_after.isoformat(),
            "names": row.names.splitlines()[:100],
            "with_key": given.key is not None,
            "exportable": row.exportable,
        },
        at=now,
    )
