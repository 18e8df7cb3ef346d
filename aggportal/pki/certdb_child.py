"""The process that opens a stranger's SQLite file: run by its path, isolated, without our packages.

It limits itself, reads the table and writes one JSON list a row to stdout. The exit code says why
it ended: 0 all read, 3 no such table, 4 damaged or too costly.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time

MEMORY = 512 * 1024 * 1024
CPU_SECONDS = 120
NO_TABLE, DAMAGED = 3, 4
LONGEST_PEM = 96 * 1024
COLUMNS = ("serial_number", "status", "reason", "revoked_at", "pem")
ROWS = (
    "SELECT substr(CAST(serial_number AS TEXT), 1, 100), substr(CAST(status AS TEXT), 1, 20), "
    "substr(CAST(reason AS TEXT), 1, 40), substr(CAST(revoked_at AS TEXT), 1, 60), "
    "CASE WHEN length(pem) <= ? THEN CAST(pem AS TEXT) ELSE '' END FROM certificates"
)


def main() -> int:
    path, most_rows, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        database = _opened(path, until=time.monotonic() + seconds)
        if not _has_table(database):
            return NO_TABLE
        for number, row in enumerate(database.execute(ROWS, (LONGEST_PEM,))):
            if number == most_rows:
                break
            sys.stdout.write(json.dumps(row) + "\n")
    except (sqlite3.Error, MemoryError, OverflowError, ValueError):
        return DAMAGED
    return 0


def _opened(path: str, *, until: float) -> sqlite3.Connection:
    """Open it so that nothing in it can act: no writes, nothing trusted, every cell checked.

    `path` was quoted for a URI before.
    """
    database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    database.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    for pragma in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON", "mmap_size=0"):
        database.execute(f"PRAGMA {pragma}")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * 1024 * 1024)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    return database


def _has_table(database: sqlite3.Connection) -> bool:
    """Want a table of cfssl's columns: no view and no virtual table, which could compute."""
    wanted = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'certificates'"
    found = database.execute(wanted).fetchone()
    if found is None or not isinstance(found[0], str) or " virtual " in found[0][:40].lower():
        return False
    columns = {str(row[1]) for row in database.execute("PRAGMA table_xinfo(certificates)")}
    generated = [row for row in database.execute("PRAGMA table_xinfo(certificates)") if row[6]]
    return columns.issuperset(COLUMNS) and not generated


if __name__ == "__main__":
    sys.exit(main())
