"""The ledger as CSV, line by line, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from django.db.models import QuerySet

from aggportal.ledger.models import Entry
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


def _cell(value: object) -> str:
    text = value.isoformat() if hasattr(value, "isoformat") else visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
