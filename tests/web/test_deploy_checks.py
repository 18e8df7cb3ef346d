"""The database writes so that a power cut loses nothing; else the portal does not start."""

from __future__ import annotations

import resource

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from aggportal.settings import SQLITE_OPTIONS
from aggportal.web import checks

SQLITE = "django.db.backends.sqlite3"


def test_our_own_settings_start() -> None:
    checks.require_durable({"ENGINE": SQLITE, "OPTIONS": SQLITE_OPTIONS})
    checks.require_durable({"ENGINE": "django.db.backends.postgresql"})


@pytest.mark.parametrize(
    ("option", "value", "lacks"),
    [
        ("transaction_mode", "DEFERRED", "transaction_mode IMMEDIATE"),
        ("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", "synchronous=full"),
        ("init_command", "PRAGMA synchronous=FULL;", "journal_mode=wal"),
    ],
)
def test_odd_settings_of_sqlite_stop_the_start(option: str, value: str, lacks: str) -> None:
    options = {**SQLITE_OPTIONS, option: value}
    with pytest.raises(ImproperlyConfigured, match=lacks):
        checks.require_durable({"ENGINE": SQLITE, "OPTIONS": options})


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_pragmas_that_sqlite_does_not_hold_are_an_error() -> None:
    assert checks.the_database_is_durable() == []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        [message] = checks.the_database_is_durable()
        cursor.execute("PRAGMA synchronous=FULL")
    assert message.id == "web.E001"
    assert "synchronous 1" in message.msg


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_postgresql_that_does_not_wait_for_its_disk_is_an_error() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        told = [message.msg for message in checks.the_database_is_durable()]
        cursor.execute("SET synchronous_commit = on")
        after = [message.msg for message in checks.the_database_is_durable()]
        cursor.execute("RESET synchronous_commit")
    assert any("synchronous_commit off" in each for each in told)
    assert not any("synchronous_commit" in each for each in after)


def test_memory_that_could_be_dumped_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.memory_is_not_dumped() == []
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    monkeypatch.setattr("sys.platform", "darwin")
    assert [message.id for message in checks.memory_is_not_dumped()] == ["web.W002"]
