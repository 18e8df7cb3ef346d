"""The found certificates as CSV or JSON, written while they are read: memory stays flat however
many there are.

They are read in the order of the list, a stretch by key at a time, so no transaction stays open.
What is issued or taken away meanwhile may be in or not; nothing else is lost or doubled.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from aggportal.certs.criteria import Sort
from aggportal.certs.models import Authority, Certificate, Tag
from aggportal.certs.services.finding import page_of
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.web.sentences import visible

STRETCH = 1000
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    "id",
    "common_name",
    "subject",
    "names",
    "serial",
    "sha256",
    "authority",
    "issuer",
    "profile",
    "kind",
    "origin",
    "key",
    "not_before",
    "not_after",
    "issued_at",
    "issued_by",
    "revoked_at",
    "revocation_reason",
    "successor",
    "owner",
    "tags",
    "notes",
)
Cell = str | int | list[str] | None


class _Line:
    """A file for csv.writer that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def record_export(
    found: QuerySet[Certificate], *, form: str, search: str, by: Actor, now: dt.datetime
) -> None:
    """Write into the ledger who took the list away, narrowed to what, and how many they were."""
    record(
        "certificates.exported",
        actor=by,
        subject=("certificates", "", search or "?"),
        detail={"format": form, "filter": search, "count": found.order_by().count()},
        at=now,
    )


def csv_lines(found: QuerySet[Certificate], sort: Sort) -> Iterator[str]:
    """Yield a header and a line per certificate. A list of values stands in one cell, blanks
    between; a cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for values in _stretches(found, sort):
        yield "".join(writer.writerow([_cell(value) for value in one]) for one in values)


def json_lines(found: QuerySet[Certificate], sort: Sort) -> Iterator[str]:
    """Yield one JSON array, an object a line; times in ISO 8601, values as they are."""
    between = "[\n"
    for values in _stretches(found, sort):
        objects = (dict(zip(COLUMNS, one, strict=True)) for one in values)
        text = ",\n".join(json.dumps(one, ensure_ascii=False) for one in objects)
        if text:
            yield f"{between}{text}"
            between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def _stretches(found: QuerySet[Certificate], sort: Sort) -> Iterator[list[tuple[Cell, ...]]]:
    """Yield the values of a thousand certificates at a time. What belongs to them is read beside
    them: to make it part of each row costs more than all the rest.
    """
    found, last = found.defer("chain_pem"), ""
    while True:
        page = page_of(found, sort, before=last, size=STRETCH)
        beside = _beside(page.rows)
        yield [_values(row, beside) for row in page.rows]
        if page.older is None:
            return
        last = str(page.older)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Beside:
    """What rows refer to: authorities by id; tags and successors by the certificate's id."""

    authorities: Mapping[int, Authority]
    tags: Mapping[int, list[str]]
    successors: Mapping[int | None, int]


def _beside(rows: Sequence[Certificate]) -> _Beside:
    ids = [row.pk for row in rows]
    signers = {row.authority_id for row in rows if row.authority_id is not None}
    authorities = Authority.objects.only("slug", "subject").in_bulk(signers)
    tags: dict[int, list[str]] = defaultdict(list)
    tagged = Tag.objects.filter(certificates__in=ids).values_list("certificates", "name")
    for pk, name in tagged.order_by("name"):
        tags[pk].append(name)
    heirs = Certificate.objects.filter(predecessor__in=ids).values_list("predecessor_id", "pk")
    return _Beside(authorities=authorities, tags=tags, successors=dict(heirs.order_by()))


def _values(row: Certificate, beside: _Beside) -> tuple[Cell, ...]:
    """Return the values of `COLUMNS`."""
    authority = beside.authorities.get(row.authority_id or 0)
    return (
        row.pk,
        row.common_name,
        row.subject,
        row.names.splitlines(),
        row.serial.lstrip("0") or "0",
        row.fingerprint_sha256,
        authority.slug if authority else "",
        authority.subject if authority else row.issuer_subject,
        row.profile,
        row.kind,
        row.origin,
        row.key_text,
        row.not_before.isoformat(),
        row.not_after.isoformat(),
        row.issued_at.isoformat(),
        row.issued_by,
        row.revoked_at.isoformat() if row.revoked_at else None,
        row.revocation_reason,
        beside.successors.get(row.pk),
        row.owner,
        beside.tags.get(row.pk, []),
        row.notes,
    )


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    text = visible(" ".join(value) if isinstance(value, list) else value)
    return f"'{text}" if text.startswith(_FORMULA) else text
