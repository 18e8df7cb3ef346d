"""What every test may use. The suites' own fixtures stand in the conftest.py of their folders."""

from __future__ import annotations

from tests.suites import (
    pytest_collection_modifyitems,
    pytest_make_collect_report,
    pytest_runtest_makereport,
)

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
]

pytest_plugins = ["pytester"]
