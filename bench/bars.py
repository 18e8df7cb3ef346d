"""What a bar of `make bars-security` is: one line of the table, with its count and how it went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """How a bar went. `SUITE`: its tests are part of `make test-all` and were only counted here."""

    PASS = "pass"  # noqa: S105 -- no password
    FAIL = "FAIL"
    SUITE = "suite"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One figure. `id` as in "B18"; `what` names it; `count` says of how many things; `detail` says
    what was measured, or why it was not run or failed.
    """

    id: str
    what: str
    count: int
    state: State
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.id:<4} {self.state:<8} {self.count:>9}  {self.what}  {self.detail}".rstrip()


class Module(Protocol):
    """A module with bars: it yields each as soon as it is measured."""

    def bars(self, *, long: bool) -> Iterator[Bar]: ...


def judged(id: str, what: str, *, count: int, wrong: list[str], told: str = "") -> Bar:
    """Return a bar that passes where nothing is wrong; else it says the first few things."""
    detail = "; ".join([*wrong[:5], *([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else [])])
    state = State.FAIL if wrong or not count else State.PASS
    return Bar(id=id, what=what, count=count, state=state, detail=detail or told)


def not_run(id: str, what: str, why: str) -> Bar:
    """Return a bar that could not be measured here, and why."""
    return Bar(id=id, what=what, count=0, state=State.NOT_RUN, detail=why)
