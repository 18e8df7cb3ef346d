"""The ledger line by line: CSV, safe to open in a spreadsheet, and JSON lines to be checked."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping

from django.db.models import QuerySet

from aggportal.ledger.models import Checkpoint, Entry
from aggportal.web.sentences import visible

COLUMNS = (
    "seq",
    "at",
    "actor_name",
    "address",
    "action",
    "outcome",
    "object_kind",
    "object_id",
    "object_label",
    "request_id",
    "canonical",
    "digest",
)
# What proves an entry.
_PROOF = ("seq", "canonical", "previous", "digest", "mac")
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """A file for csv.writer that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: QuerySet[Entry]) -> Iterator[str]:
    """Yield a header and one line per entry; memory stays flat however many there are."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for row in rows.values_list(*COLUMNS).iterator(chunk_size=2000):
        yield writer.writerow([_cell(value) for value in row])


def json_lines(*, first: int = 1, last: int | None = None) -> Iterator[str]:
    """Yield entries `first` to `last` as `offline` reads them, and the newest checkpoint that they
    suffice for. The same entries give the same bytes.
    """
    rows = Entry.objects.filter(seq__gte=first).order_by("seq")
    if last is not None:
        rows = rows.filter(seq__lte=last)
    reached = 0
    for row in rows.values(*_PROOF).iterator(chunk_size=2000):
        reached = row["seq"]
        yield _json_line(row)
    checkpoint = Checkpoint.objects.filter(size__lte=reached).first()
    if checkpoint is not None:
        yield _json_line({"checkpoint": checkpoint.note})


def _json_line(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n"


def _cell(value: object) -> str:
    text = value.isoformat() if hasattr(value, "isoformat") else visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
