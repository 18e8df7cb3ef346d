"""What `manage.py check --deploy` says of database and process, and what stops the start.

A certificate that was acknowledged must be there after a power cut; 50 issuances sync 104 times
with synchronous=FULL and 4 times with NORMAL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from aggportal.web.hardening import harden_process

_WANTED = ("journal_mode=wal", "synchronous=full")
# What PostgreSQL must say for an acknowledged transaction to be on a disk.
_DURABLE = {"synchronous_commit": {"on", "remote_apply"}, "fsync": {"on"}}


def require_durable(database: Mapping[str, Any]) -> None:
    """Refuse settings of SQLite under which a power cut loses what was acknowledged, or one who
    writes meets "database is locked". Raises ImproperlyConfigured: the portal does not start.
    """
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return
    options = database.get("OPTIONS") or {}
    command = str(options.get("init_command", "")).lower().replace(" ", "")
    missing = [wanted for wanted in _WANTED if wanted not in command]
    if options.get("transaction_mode") != "IMMEDIATE":
        missing.append("transaction_mode IMMEDIATE")
    if missing:
        raise ImproperlyConfigured(
            f"SQLite's settings lack {', '.join(missing)}: what was acknowledged could be lost. "
            "Leave DATABASES to AggPortal's settings, or name PostgreSQL in DATABASE_URL."
        )


@register(Tags.security, deploy=True)
def the_database_is_durable(**_: object) -> list[CheckMessage]:
    """What the database itself says of how it writes."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                return _sqlite(cursor)
            return _postgresql(cursor)
    except DatabaseError:
        return [
            Warning(
                "The database does not answer, so nobody looked at how it writes.",
                hint="Start it and check again.",
                id="web.W001",
            )
        ]


def _sqlite(cursor: Any) -> list[CheckMessage]:
    wanted: dict[str, set[object]] = {"journal_mode": {"wal"}, "synchronous": {2, 3}}
    found: list[CheckMessage] = []
    for name, right in wanted.items():
        value = cursor.execute(f"PRAGMA {name}").fetchone()[0]
        if value not in right:
            found.append(
                Error(
                    f"SQLite has {name} {value}: what was acknowledged could be lost.",
                    hint="The data folder must lie on a local disk, not on a network's.",
                    id="web.E001",
                )
            )
    return found


def _postgresql(cursor: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, right in _DURABLE.items():
        cursor.execute(f"SHOW {name}")
        value = cursor.fetchone()[0]
        if value not in right:
            found.append(
                Error(
                    f"PostgreSQL has {name} {value}: a power cut loses what was acknowledged.",
                    hint=f"Set {name} = on in postgresql.conf.",
                    id="web.E002",
                )
            )
    return found


@register(Tags.security, deploy=True)
def memory_is_not_dumped(**_: object) -> list[CheckMessage]:
    """No core dump and no other process gets at the memory in which keys are opened."""
    if harden_process():
        return []
    return [
        Warning(
            "Here the memory of a process can be dumped or read, and keys are opened in it.",
            hint="Run it on Linux, with a limit of 0 for core files (LimitCORE=0).",
            id="web.W002",
        )
    ]
