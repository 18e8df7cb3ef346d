"""Triggers by which the database itself refuses to change the ledger, on each engine its own.

They stop mistakes and whoever has no more than the portal's account; an owner of the database can
drop them, which is why there are a MAC and anchors.

SQLite's schema editor makes a table anew to change it, and its triggers go with the old one; so
`ensure_guards` runs after every `migrate`.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

APPEND_ONLY = ("ledger_entry", "ledger_checkpoint")
HEAD = "ledger_head"
_REFUSAL = "the ledger is append-only"
_FUNCTIONS = {
    "ledger_refuse": f"""
    BEGIN
      RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation';
    END""",
    "ledger_forward": f"""
    BEGIN
      IF NEW.size <> OLD.size + 1 THEN
        RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END""",
}


def ensure_guards(connection: BaseDatabaseWrapper) -> None:
    """Make the triggers where they are missing; safe to call again."""
    if set(connection.introspection.table_names()) >= {*APPEND_ONLY, HEAD}:
        _execute(connection, _statements(connection.vendor))


def drop_guards(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers away; only for whoever repairs a database by hand, and tests."""
    tables = {name: table for table, name, _sql in _triggers(connection.vendor)}
    suffix = " ON {table}" if connection.vendor == "postgresql" else ""
    _execute(
        connection,
        [
            f"DROP TRIGGER IF EXISTS {name}{suffix.format(table=table)}"
            for name, table in tables.items()
        ],
    )


def _statements(vendor: str) -> list[str]:
    if vendor == "sqlite":
        return [sql for _table, _name, sql in _triggers(vendor)]
    made = [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}; $$"
        for name, body in _FUNCTIONS.items()
    ]
    for table, name, sql in _triggers(vendor):
        made += [f"DROP TRIGGER IF EXISTS {name} ON {table}", sql]
    return made


def _triggers(vendor: str) -> list[tuple[str, str, str]]:
    """Table, name and statement of each trigger."""
    found = []
    for table in (*APPEND_ONLY, HEAD):
        kinds = ["DELETE"] if table == HEAD else ["DELETE", "UPDATE"]
        for kind in kinds:
            name = f"{table}_no_{kind.lower()}"
            found.append((table, name, _refuse(vendor, name, kind, table)))
    found.append((HEAD, f"{HEAD}_forward", _forward(vendor)))
    if vendor == "postgresql":
        for table in (*APPEND_ONLY, HEAD):
            name = f"{table}_no_truncate"
            sql = (
                f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_refuse()"
            )
            found.append((table, name, sql))
    return found


def _refuse(vendor: str, name: str, kind: str, table: str) -> str:
    if vendor == "sqlite":
        return (
            f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {kind} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {kind} ON {table} FOR EACH ROW "
        "EXECUTE FUNCTION ledger_refuse()"
    )


def _forward(vendor: str) -> str:
    """The head may move by one entry and in no other way."""
    if vendor == "sqlite":
        return (
            f"CREATE TRIGGER IF NOT EXISTS {HEAD}_forward BEFORE UPDATE ON {HEAD} "
            "WHEN NEW.size <> OLD.size + 1 "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
    return (
        f"CREATE TRIGGER {HEAD}_forward BEFORE UPDATE ON {HEAD} FOR EACH ROW "
        "EXECUTE FUNCTION ledger_forward()"
    )


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
