"""docs/THREAT_MODEL.md names tests that exist, one or more for each threat."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "THREAT_MODEL.md").read_text()
ROWS = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", TEXT, re.M)


def named(cell: str) -> list[tuple[Path, str]]:
    """File and test of each name; `::test_x` alone is in the file that was named before it."""
    found: list[tuple[Path, str]] = []
    for name in re.findall(r"`([^`]+)`", cell):
        path, _, test = name.partition("::")
        found.append((ROOT / path if path else found[-1][0], test))
    return found


def test_no_threat_is_left_out() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 22))


@pytest.mark.parametrize(("number", "cell"), ROWS)
def test_each_threat_has_tests_that_exist(number: str, cell: str) -> None:
    assert named(cell), number
    for path, test in named(cell):
        assert path.exists(), f"{number}: {path.name}"
        if test:
            assert re.search(rf"\b(def|class) {test}\b", path.read_text()), f"{number}: {test}"
