"""The database as a file and back: SQLite through its online backup, PostgreSQL through pg_dump.

A plain copy of a SQLite file in WAL mode loses what is in the log and still looks whole.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from django.db import connection, transaction

from aggportal.backups.errors import BackupError
from aggportal.words import gettext_noop as _n

# How many pages of SQLite are copied before writers get a turn.
_PAGES = 2000
Counts = Mapping[str, int]


@contextmanager
def same_state() -> Iterator[str]:
    """Hold one state of the database still for reading, where the engine can; yield its name for
    pg_dump, empty on SQLite.
    """
    if connection.vendor != "postgresql":
        yield ""
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def dump(target: Path, tables: Sequence[str], *, snapshot: str) -> Counts:
    """Write the database to `target` (mode 0600); return how many rows of `tables` are in it.

    Raises BackupError.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if connection.vendor == "sqlite":
        return _dump_sqlite(target, tables)
    _run("pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={target}")
    with connection.cursor() as cursor:
        return {table: _count(cursor, table) for table in tables}


def restore(source: Path) -> None:
    """Put the dump in place of what is there; who calls made sure that nothing is. Raises
    BackupError.
    """
    if connection.vendor == "sqlite":
        _restore_sqlite(source)
        return
    _run(
        "pg_restore",
        "--clean",
        "--if-exists",
        "--no-owner",
        "--single-transaction",
        "--exit-on-error",
        f"--dbname={connection.settings_dict['NAME']}",
        str(source),
    )


def _dump_sqlite(target: Path, tables: Sequence[str]) -> Counts:
    name = connection.settings_dict["NAME"]
    with (
        closing(sqlite3.connect(f"file:{name}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy, pages=_PAGES)
        copy.execute("PRAGMA journal_mode=DELETE")
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise BackupError(_n("SQLite finds faults in the copy; look at the disk."))
        return {table: _count(copy.cursor(), table) for table in tables}


def _restore_sqlite(source: Path) -> None:
    """Copy it in by the same online backup, so that who has the file open sees it whole."""
    connection.close()
    with (
        closing(sqlite3.connect(source)) as copy,
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as target,
    ):
        copy.backup(target)
        target.execute("PRAGMA journal_mode=WAL")


class _Cursor(Protocol):
    """What Django's cursors and SQLite's own have in common."""

    def execute(self, sql: str, /) -> Any: ...

    def fetchone(self) -> Any: ...


def _count(cursor: _Cursor, table: str) -> int:
    quoted = connection.ops.quote_name(table)
    cursor.execute(f"SELECT COUNT(*) FROM {quoted}")  # noqa: S608 -- own tables
    return int(cursor.fetchone()[0])


def _run(*command: str) -> None:
    """Run a program of PostgreSQL's against our database, its password in the environment."""
    made = connection.settings_dict
    spelled = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    given = {name: str(made[key]) for name, key in spelled.items() if made.get(key)}
    options = made.get("OPTIONS") or {}
    if options.get("sslmode"):
        given["PGSSLMODE"] = str(options["sslmode"])
    environment = {**os.environ, **given, "PGDATABASE": str(made["NAME"])}
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 -- no shell
    except FileNotFoundError as exc:
        raise BackupError(
            _n("%(program)s is missing: install PostgreSQL's client programs."), program=command[0]
        ) from exc
    except subprocess.CalledProcessError as exc:
        raise BackupError(
            _n("%(program)s failed: %(why)s"), program=command[0], why=exc.stderr.strip()[-300:]
        ) from exc
