"""Which tests run where: `postgres` and `sqlite` tests on their engine, what asks no database on
SQLite alone; in CI nothing is skipped.

Imported by conftest.py, so that tests/test_suites.py can try the hooks in a session of its own.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from django.db import connection


def _turn_skip_into_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"In CI a skip is a failure. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _turn_skip_into_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _turn_skip_into_failure(report)
    return report


def _is_about_another_engine(item: pytest.Item) -> bool:
    engines = {mark.name for mark in item.iter_markers()} & {"postgres", "sqlite"}
    return bool(engines) and not any(connection.vendor.startswith(engine) for engine in engines)


def _asks_no_database(item: pytest.Item) -> bool:
    """What asks no database was tried on SQLite; PostgreSQL cannot change it."""
    fixtures = set(getattr(item, "fixturenames", ()))
    marks = {mark.name for mark in item.iter_markers()} & {"django_db", "postgres"}
    asks = marks or fixtures & {"db", "transactional_db"}
    return connection.vendor == "postgresql" and not asks


def _turn(item: pytest.Item) -> int:
    folders = item.path.parts
    return 2 if "browser" in folders else 1 if "e2e" in folders else 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests about the other database engine; put the suites with servers last.

    Once a browser test has run, Playwright's event loop runs in this process; nothing may follow.
    """
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        elsewhere = _is_about_another_engine(item) or _asks_no_database(item)
        (left_out if elsewhere else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = sorted(kept, key=_turn)
