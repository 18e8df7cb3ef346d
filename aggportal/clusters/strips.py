"""A strip of availability over time: what was so from when to when, as parts of a width."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggportal.clusters.models import Availability, Transition

WIDTH = 1000
_CSS = {
    Availability.TRUE.value: "strip-true",
    Availability.FALSE.value: "strip-false",
    Availability.UNKNOWN.value: "strip-unknown",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A stretch of the strip; `x` and `width` of `WIDTH` in all."""

    x: int
    width: int
    css: str
    status: str


def strip(
    transitions: Sequence[Transition], *, status: str, start: dt.datetime, end: dt.datetime
) -> tuple[Part, ...]:
    """The parts between `start` and `end`; `transitions` oldest first, `status` is the present one.

    Before the first transition stands what it came from; without any, the present status.
    """
    inside = [each for each in transitions if start < each.at <= end]
    first = inside[0].came_from if inside else status
    edges = [(start, first), *((each.at, each.went_to) for each in inside)]
    length = (end - start).total_seconds()
    parts = []
    for index, (at, held) in enumerate(edges):
        until = edges[index + 1][0] if index + 1 < len(edges) else end
        x = round((at - start).total_seconds() / length * WIDTH)
        width = max(round((until - start).total_seconds() / length * WIDTH) - x, 4)
        css = _CSS.get(held, "strip-none")
        parts.append(Part(x=min(x, WIDTH - 4), width=width, css=css, status=held))
    return tuple(parts)


def by_name(transitions: Iterable[Transition]) -> dict[str, list[Transition]]:
    """Transitions by the APIService's name, in the order given."""
    found: dict[str, list[Transition]] = {}
    for each in transitions:
        found.setdefault(each.name, []).append(each)
    return found
