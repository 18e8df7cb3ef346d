"""A strip of availability over time: what was so from when to when, as parts of a width."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggportal.clusters.history import Change, Span, Stretch, stretches
from aggportal.clusters.models import Availability, Transition

WIDTH = 1000
_LEAST = 4
_BADNESS = (Availability.TRUE.value, Availability.UNKNOWN.value, Availability.FALSE.value)
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
    transitions: Sequence[Change],
    *,
    status: str,
    start: dt.datetime,
    end: dt.datetime,
    silences: Sequence[Span] = (),
) -> tuple[Part, ...]:
    """The parts between `start` and `end`; see `history.stretches` for what they are made from."""
    span = Span(start=start, end=end)
    return draw(stretches(transitions, status=status, span=span, silences=silences), span=span)


def draw(found: Sequence[Stretch], *, span: Span) -> tuple[Part, ...]:
    """The stretches of `span` as parts. What is too short to be seen is drawn as one part with its
    neighbour, in the colour of the worse.
    """
    length = (span.end - span.start).total_seconds()
    parts: list[Part] = []
    for each in found:
        held = each.status
        x = min(round((each.start - span.start).total_seconds() / length * WIDTH), WIDTH - _LEAST)
        if parts and x - parts[-1].x < _LEAST:
            last = parts.pop()
            x, held = last.x, max(last.status, held, key=_badness)
        ends = round((each.end - span.start).total_seconds() / length * WIDTH)
        css = _CSS.get(held, "strip-none")
        parts.append(Part(x=x, width=max(ends - x, _LEAST), css=css, status=held))
    return tuple(parts)


def _badness(status: str) -> int:
    return _BADNESS.index(status) if status in _BADNESS else -1


def by_name(transitions: Iterable[Transition]) -> dict[str, list[Transition]]:
    """Transitions by the APIService's name, in the order given."""
    found: dict[str, list[Transition]] = {}
    for each in transitions:
        found.setdefault(each.name, []).append(each)
    return found
