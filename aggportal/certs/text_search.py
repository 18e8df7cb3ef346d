"""The index behind finding a part of a CN or name, on each engine its own.

SQLite (3.34 and newer) has FTS5 with trigrams: a virtual table that holds no text of its own and
follows `certs_certificate` by triggers. PostgreSQL has pg_trgm, which a database's owner may create
since version 13. Where neither can be had, finding reads the whole table instead: slow, but right.

SQLite's schema editor makes a table anew to change it, and the triggers go with the old one;
so `ensure_index` runs after every `migrate` and puts back what is missing.
"""

from __future__ import annotations

import sqlite3

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "certs_certificate"
TEXT_TABLE = "certs_certificate_text"
# A trigram index knows nothing of less.
SHORTEST = 3

_TRIGGERS = {
    "certs_certificate_text_insert": """
        CREATE TRIGGER certs_certificate_text_insert AFTER INSERT ON certs_certificate BEGIN
            INSERT INTO certs_certificate_text (rowid, common_name, names)
            VALUES (new.id, new.common_name, new.names);
        END""",
    "certs_certificate_text_delete": """
        CREATE TRIGGER certs_certificate_text_delete AFTER DELETE ON certs_certificate BEGIN
            INSERT INTO certs_certificate_text (certs_certificate_text, rowid, common_name, names)
            VALUES ('delete', old.id, old.common_name, old.names);
        END""",
    "certs_certificate_text_update": """
        CREATE TRIGGER certs_certificate_text_update
        AFTER UPDATE OF common_name, names ON certs_certificate BEGIN
            INSERT INTO certs_certificate_text (certs_certificate_text, rowid, common_name, names)
            VALUES ('delete', old.id, old.common_name, old.names);
            INSERT INTO certs_certificate_text (rowid, common_name, names)
            VALUES (new.id, new.common_name, new.names);
        END""",
}
_REBUILD = "INSERT INTO certs_certificate_text (certs_certificate_text) VALUES ('rebuild')"
# The same expressions as Django's icontains writes them, or the index would not serve it.
_INDICES = {
    "certificate_cn_trigrams": "UPPER(common_name::text)",
    "certificate_names_trigrams": "UPPER(names::text)",
}


def ensure_index(connection: BaseDatabaseWrapper) -> None:
    """Make the index where it is missing and the engine can; safe to call again."""
    if TABLE not in connection.introspection.table_names():
        return
    if connection.vendor == "sqlite":
        _ensure_sqlite(connection)
    elif connection.vendor == "postgresql":
        _ensure_postgresql(connection)


def drop_index(connection: BaseDatabaseWrapper) -> None:
    """Take the index away; the extension stays, since others may use it."""
    names = _TRIGGERS if connection.vendor == "sqlite" else _INDICES
    kind = "TRIGGER" if connection.vendor == "sqlite" else "INDEX"
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP {kind} IF EXISTS {name}")
        if connection.vendor == "sqlite":
            cursor.execute(f"DROP TABLE IF EXISTS {TEXT_TABLE}")


def has_text_table(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether SQLite's table of trigrams is there."""
    if connection.vendor != "sqlite":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [TEXT_TABLE])
        return cursor.fetchone() is not None


def phrase(text: str) -> str:
    """Return `text` as FTS5 takes a string that is to stand there literally."""
    return '"' + text.replace('"', '""') + '"'


def _ensure_sqlite(connection: BaseDatabaseWrapper) -> None:
    if sqlite3.sqlite_version_info < (3, 34) or not _has_fts5(connection):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {TEXT_TABLE} USING fts5("
            f"common_name, names, content='{TABLE}', content_rowid='id', tokenize='trigram')"
        )
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        present = {row[0] for row in cursor.fetchall()}
        missing = [sql for name, sql in _TRIGGERS.items() if name not in present]
        for sql in missing:
            cursor.execute(sql)
        if missing:
            cursor.execute(_REBUILD)


def _has_fts5(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')")
        return bool(cursor.fetchone()[0])


def _ensure_postgresql(connection: BaseDatabaseWrapper) -> None:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [TABLE])
            present = {row[0] for row in cursor.fetchall()}
            missing = {name: sql for name, sql in _INDICES.items() if name not in present}
            if missing:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for name, expression in missing.items():
                cursor.execute(
                    f"CREATE INDEX {name} ON {TABLE} USING gin ({expression} gin_trgm_ops)"
                )
    except DatabaseError:
        # Not allowed to this role, or not installed: finding works without, only slower.
        return
