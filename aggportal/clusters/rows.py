"""From one watched APIService to its line in the table of a cluster.

Four hundred rows are shown in one go, so everything that a row needs is worked out here, once, and
the markup of a row that has not changed is kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote

from django.template.loader import render_to_string

from aggportal.clusters.health import symbol_of, tone_of
from aggportal.clusters.history import Span, Stretch, uptime
from aggportal.clusters.looks import TlsLook, plain, relative_text, tls_look
from aggportal.clusters.models import Availability, Finding, Harm, WatchedAPIService
from aggportal.clusters.strips import Part, draw
from aggportal.clusters.why import Chart, answer_text, suffering_from
from aggportal.kube.causes import Cause, explain
from aggportal.web.sentences import words

MOST_NOTES = 3
_LOOK = {
    Availability.TRUE.value: ("ok", "check-circle-fill"),
    Availability.FALSE.value: ("bad", "x-circle-fill"),
    Availability.UNKNOWN.value: ("warn", "question-circle-fill"),
}
_LABELS = {choice.value: choice.label for choice in Availability}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """The worst that the doctor found of an APIService: word and look, what it is, where it is."""

    word: str
    tone: str
    symbol: str
    said: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table, ready to be printed. Equal rows look alike; `cause` follows.

    `notes` are what the doctor found of one that fails and who suffers from it, `answer` what came
    through the aggregator.
    """

    name: str
    url: str
    service: str
    css: str
    symbol: str
    word: str
    reason: str
    since: dt.datetime | None
    since_text: str
    priorities: str
    tls: TlsLook
    strip: tuple[Part, ...]
    uptime: str
    flash: bool
    cause: Cause | None = field(default=None, compare=False)
    message: str = ""
    worst: Mark | None = None
    notes: tuple[str, ...] = ()
    answer: str = ""


@lru_cache(maxsize=4096)
def row_markup(row: Row, *, old: bool, language: str) -> str:
    """Render one row; what it looks like depends on nothing but the arguments."""
    return render_to_string("clusters/_row.html", {"row": row, "old": old})


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """What all lines of one table share: the day that their strips show, where their pages are,
    what the doctor found. What changed after the version `newer_than` flashes.
    """

    day: Span
    base: str
    told: Chart
    newer_than: int | None


def make_row(
    row: WatchedAPIService, lately: Sequence[Stretch], drawing: Drawing, *, now: dt.datetime
) -> Row:
    """Make the line of `row`, which stood so in the last day."""
    return _with_doctor(_row(row, lately, drawing, now=now), row, drawing.told)


def _row(
    row: WatchedAPIService, lately: Sequence[Stretch], drawing: Drawing, *, now: dt.datetime
) -> Row:
    css, symbol = _LOOK.get(row.available, _LOOK["Unknown"])
    fails = row.available != Availability.TRUE.value
    return Row(
        name=plain(row.name),
        url=f"{drawing.base}{quote(row.name, safe='')}/",
        service=plain(row.service),
        css=css,
        symbol=symbol,
        word=str(_LABELS.get(row.available, row.available)),
        reason=plain(row.reason),
        since=row.since,
        since_text=relative_text(row.since, now=now) if row.since else "",
        priorities=f"{_figure(row.group_priority)} / {_figure(row.version_priority)}",
        tls=tls_look(row, now=now),
        strip=draw(lately, span=drawing.day),
        uptime=uptime(lately).text,
        flash=drawing.newer_than is not None and row.state_version > drawing.newer_than,
        cause=explain(reason=row.reason, message=row.message) if fails else None,
        message=plain(row.message) if fails else "",
    )


def _with_doctor(line: Row, row: WatchedAPIService, chart: Chart) -> Row:
    """The line with what the doctor has to say of it."""
    found = chart.findings.get(row.name, ())
    grave = any(each.harm <= Harm.ERROR for each in found)
    if not (found or line.cause):
        return line
    opened = line.cause is not None or grave
    return replace(
        line,
        worst=_mark(found[0]) if found else None,
        notes=_notes(row, found, chart, said=line.cause) if opened else (),
        answer=answer_text(chart.answers[row.name]) if opened and row.name in chart.answers else "",
    )


def _mark(finding: Finding) -> Mark:
    harm = Harm(finding.harm)
    return Mark(
        word=str(harm.label),
        tone=tone_of(harm),
        symbol=symbol_of(harm),
        said=words(finding.said) if finding.said else "",
        url=finding.get_absolute_url(),
    )


def _notes(
    row: WatchedAPIService, found: Sequence[Finding], chart: Chart, *, said: Cause | None
) -> tuple[str, ...]:
    """What the row does not say already."""
    suffering = [each.finding for each in suffering_from(row, chart.loud)]
    told = [words(each.said) for each in (*found[:MOST_NOTES], *suffering) if each.said]
    known = words(said.sentence) if said else ""
    return tuple(dict.fromkeys(each for each in told if each != known))


def _figure(value: int | None) -> str:
    return "–" if value is None else str(value)
