"""The found certificates as CSV or JSON, written while they are read: memory stays flat however
many there are.

They are read in the order of the list, a stretch by key at a time, so no transaction stays open.
What is issued or taken away meanwhile may be in or not; nothing else is lost or doubled.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator

from django.db.models import QuerySet

from aggportal.certs.criteria import Sort
from aggportal.certs.models import Certificate
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
    for row in _rows(found, sort):
        yield writer.writerow([_cell(value) for value in _values(row).values()])


def json_lines(found: QuerySet[Certificate], sort: Sort) -> Iterator[str]:
    """Yield one JSON array, an object a line; times in ISO 8601, values as they are."""
    yield "["
    for at, row in enumerate(_rows(found, sort)):
        yield f"{',' if at else ''}\n{json.dumps(_values(row), ensure_ascii=False)}"
    yield "\n]\n"


def _rows(found: QuerySet[Certificate], sort: Sort) -> Iterator[Certificate]:
    found = found.select_related("authority", "successor").prefetch_related("tags")
    found = found.defer("chain_pem", "authority__signing_config", "authority__request_spec")
    last = ""
    while True:
        page = page_of(found, sort, before=last, size=STRETCH)
        yield from page.rows
        if page.older is None:
            return
        last = str(page.older)


def _values(row: Certificate) -> dict[str, Cell]:
    successor = getattr(row, "successor", None)
    return {
        "id": row.pk,
        "common_name": row.common_name,
        "subject": row.subject,
        "names": row.names.splitlines(),
        "serial": row.serial.lstrip("0") or "0",
        "sha256": row.fingerprint_sha256,
        "authority": row.authority_slug,
        "issuer": row.issuer_text,
        "profile": row.profile,
        "kind": row.kind,
        "origin": row.origin,
        "key": row.key_text,
        "not_before": row.not_before.isoformat(),
        "not_after": row.not_after.isoformat(),
        "issued_at": row.issued_at.isoformat(),
        "issued_by": row.issued_by,
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
        "revocation_reason": row.revocation_reason,
        "successor": successor.pk if successor else None,
        "owner": row.owner,
        "tags": [tag.name for tag in row.tags.all()],
        "notes": row.notes,
    }


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    text = visible(" ".join(value) if isinstance(value, list) else value)
    return f"'{text}" if text.startswith(_FORMULA) else text
