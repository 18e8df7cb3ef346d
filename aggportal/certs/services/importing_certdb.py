"""A whole certdb of cfssl's: its rows become certificates here, revocations included."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import IntegrityError, transaction

from aggportal.certs.models import (
    Authority,
    Certificate,
    CertificateMaterial,
    CertificateName,
    OcspAnswer,
)
from aggportal.certs.services.crls import publish_change
from aggportal.certs.services.importing import (
    AlreadyHere,
    Incoming,
    imported_row,
    incoming,
    material_of,
    require_new,
)
from aggportal.certs.services.lineage import Lineage
from aggportal.certs.services.name_entries import name_entries
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.pki.certdb import CertdbRow, NotACertdb, UnreadRow, read_certdb
from aggportal.pki.existing import require_storable
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, Sentence, gettext_noop

BATCH = 500
_MOST_TOLD = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """A row that did not come in, and why; `certificate` is one here that it concerns."""

    serial: str
    sentence: Sentence
    certificate: int | None = None


@dataclass(kw_only=True)
class CertdbResult:
    """What became of a certdb, counted; `told` are the first rows that did not come in.

    `differs` counts certificates that are revoked in the file and not here. `broke_off` says why
    the file could not be read to its end. `authorities`
    are those of ours that signed some of it, `lists` those whose list has changed.
    """

    imported: int = 0
    revoked: int = 0
    under_ours: int = 0
    already: int = 0
    differs: int = 0
    unread: int = 0
    told: list[Unread] = field(default_factory=list)
    broke_off: Sentence | None = None
    authorities: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)

    def tell(self, one: Unread) -> None:
        """Keep the first rows in words; the rest is counted."""
        if len(self.told) < _MOST_TOLD:
            self.told.append(one)


def import_certdb(path: Path, *, by: Actor, now: dt.datetime) -> CertdbResult:
    """Store what is new in a certdb, in batches; what was stored stays when the file breaks off.

    The ledger has one entry before and one after, with the file's SHA-256. Raises `NotACertdb` when
    not one row could be read.
    """
    subject = ("certdb", _sha256(path)[:16], "certdb")
    detail: dict[str, object] = {"sha256": _sha256(path), "bytes": path.stat().st_size}
    result, lineage = CertdbResult(), Lineage()
    record(
        "certdb.imported",
        actor=by,
        subject=subject,
        outcome=Outcome.INTENDED,
        detail=detail,
        at=now,
    )
    digest = hashlib.sha256()
    try:
        for batch in _batches(read_certdb(path)):
            for fingerprint in _store_batch(batch, result, lineage=lineage, by=by, now=now):
                digest.update(bytes.fromhex(fingerprint))
    except NotACertdb as refused:
        result.broke_off = refused.sentence
        if not result.imported + result.already + result.unread:
            _end(subject, {**detail, "why": str(refused)}, Outcome.FAILED, by=by, now=now)
            raise
    _publish(result, now=now)
    counts = {
        name: getattr(result, name)
        for name in ("imported", "revoked", "under_ours", "already", "differs", "unread")
    }
    ended = {**detail, **counts, "imported_sha256": digest.hexdigest()}
    _end(subject, ended, Outcome.DONE, by=by, now=now)
    return result


def _publish(result: CertdbResult, *, now: dt.datetime) -> None:
    """Let the lists of authorities carry what came in revoked; the worker does what fails here.

    Kept OCSP answers go too: they may say of what came in that it is unknown.
    """
    for authority in Authority.objects.filter(slug__in=result.authorities):
        OcspAnswer.objects.filter(authority=authority).delete()
        if authority.slug in result.lists:
            publish_change(authority, now=now)


def _end(
    subject: tuple[str, object, str],
    detail: dict[str, object],
    outcome: Outcome,
    *,
    by: Actor,
    now: dt.datetime,
) -> None:
    record("certdb.imported", actor=by, subject=subject, outcome=outcome, detail=detail, at=now)


def _batches(rows: Iterable[CertdbRow | UnreadRow]) -> Iterator[list[CertdbRow | UnreadRow]]:
    """Cut into batches; rows that were read before the file broke off still come."""
    read = iter(rows)
    broke_off: NotACertdb | None = None
    while broke_off is None:
        batch: list[CertdbRow | UnreadRow] = []
        try:
            for row in islice(read, BATCH):
                batch.append(row)
        except NotACertdb as error:
            broke_off = error
        if batch:
            yield batch
        elif broke_off is None:
            return
    raise broke_off


def _store_batch(
    batch: list[CertdbRow | UnreadRow],
    result: CertdbResult,
    *,
    lineage: Lineage,
    by: Actor,
    now: dt.datetime,
) -> list[str]:
    """Store a batch and count it; return the fingerprints of what came in, hex."""
    fresh: dict[str, Incoming] = {}
    known = _known(batch)
    serials = _serials_known(batch)
    for row in batch:
        if isinstance(row, UnreadRow):
            _leave(result, row.serial, row.sentence)
            continue
        facts = row.facts
        if facts.sha256 in known or facts.sha256 in fresh:
            _count_known(result, row, known.get(facts.sha256))
            continue
        given = incoming(facts, lineage=lineage, reason=row.reason, revoked_at=row.revoked_at)
        refused = _refusal(given, serials)
        if refused is not None:
            _leave(result, facts.serial, refused)
            continue
        if given.authority is not None:
            serials.add((given.authority.pk, facts.serial.zfill(40)))
        fresh[facts.sha256] = given
    stored = _insert(list(fresh.values()), result, by=by, now=now)
    return [given.facts.sha256 for given in stored]


def _leave(result: CertdbResult, serial: str, sentence: Sentence) -> None:
    result.unread += 1
    result.tell(Unread(serial=serial, sentence=sentence))


def _known(batch: list[CertdbRow | UnreadRow]) -> dict[str, tuple[int | None, bool]]:
    """Return id and revocation of those that are here, by fingerprint; no id for an authority's."""
    wanted = [row.facts.sha256 for row in batch if isinstance(row, CertdbRow)]
    rows = Certificate.objects.filter(fingerprint_sha256__in=wanted)
    own = Authority.objects.filter(fingerprint_sha256__in=wanted)
    found: dict[str, tuple[int | None, bool]] = dict.fromkeys(
        own.values_list("fingerprint_sha256", flat=True), (None, False)
    )
    for pk, digest, revoked_at in rows.values_list("pk", "fingerprint_sha256", "revoked_at"):
        found[digest] = (pk, revoked_at is not None)
    return found


def _serials_known(batch: list[CertdbRow | UnreadRow]) -> set[tuple[int, str]]:
    serials = [row.facts.serial.zfill(40) for row in batch if isinstance(row, CertdbRow)]
    rows = Certificate.objects.filter(serial__in=serials, authority__isnull=False)
    return set(rows.values_list("authority_id", "serial"))


def _refusal(given: Incoming, serials: set[tuple[int, str]]) -> Sentence | None:
    try:
        require_storable(given.facts)
    except RefusedError as refused:
        return refused.sentence
    if given.authority and (given.authority.pk, given.facts.serial.zfill(40)) in serials:
        return Sentence(text=_SERIAL, params={"authority": given.authority.label})
    return None


_SERIAL = gettext_noop(
    "Its authority “%(authority)s” has another certificate with this serial number."
)
_DIFFERS = gettext_noop(
    "It is revoked in the certdb and not here. Revoke it here too, if that is still so."
)


def _count_known(
    result: CertdbResult, row: CertdbRow, known: tuple[int | None, bool] | None
) -> None:
    result.already += 1
    pk, is_revoked = known or (None, True)
    if row.reason and pk is not None and not is_revoked:
        result.differs += 1
        result.tell(
            Unread(serial=row.facts.serial, sentence=Sentence(text=_DIFFERS), certificate=pk)
        )


def _insert(
    fresh: list[Incoming], result: CertdbResult, *, by: Actor, now: dt.datetime
) -> list[Incoming]:
    try:
        _insert_together(fresh, by=by, now=now)
    except IntegrityError:  # somebody else stored one of them meanwhile
        fresh = [given for given in fresh if _insert_alone(given, result, by=by, now=now)]
    for given in fresh:
        result.imported += 1
        result.revoked += bool(given.reason)
        if given.authority is not None:
            result.under_ours += 1
            result.authorities.add(given.authority.slug)
            if given.reason:
                result.lists.add(given.authority.slug)
    return fresh


@transaction.atomic
def _insert_together(fresh: list[Incoming], *, by: Actor, now: dt.datetime) -> None:
    rows = [imported_row(given, by=by, now=now) for given in fresh]
    Certificate.objects.bulk_create(rows)
    pairs = list(zip(rows, fresh, strict=True))
    CertificateMaterial.objects.bulk_create(material_of(row, given.facts) for row, given in pairs)
    CertificateName.objects.bulk_create(
        entry
        for row, given in pairs
        for entry in name_entries(row, given.facts.sans, sha1=given.facts.sha1)
    )


def _insert_alone(given: Incoming, result: CertdbResult, *, by: Actor, now: dt.datetime) -> bool:
    try:
        require_new(given)
        _insert_together([given], by=by, now=now)
    except AlreadyHere:
        result.already += 1
    except (RefusedError, IntegrityError) as refused:
        sentence = refused.sentence if isinstance(refused, RefusedError) else _MEANWHILE
        _leave(result, given.facts.serial, sentence)
    else:
        return True
    return False


_MEANWHILE = Sentence(text=gettext_noop("It was stored by somebody else at the same moment."))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
