"""From watched APIServices to what the table of a cluster shows: worst first, filtered, counted.

Four hundred rows are shown in one go, so everything that a row needs is worked out here, once, and
the markup of a row that has not changed is kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote

from django.db import models
from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from aggportal.clusters.health import Worst, symbol_of, tone_of, worst_of
from aggportal.clusters.history import Span, Stretch, stretches, uptime
from aggportal.clusters.liveness import Liveness, liveness_of
from aggportal.clusters.models import (
    Availability,
    Cluster,
    ClusterState,
    Finding,
    Harm,
    Lease,
    Tls,
    WatchedAPIService,
)
from aggportal.clusters.models.apiservices import CARE_DAYS
from aggportal.clusters.silences import silences_of
from aggportal.clusters.strips import Part, by_name, draw
from aggportal.clusters.why import Chart, answer_text, read_chart, suffering_from
from aggportal.kube.causes import Cause, explain
from aggportal.web.sentences import visible, words
from aggportal.web.templatetags.portal import relative

STRIP = dt.timedelta(hours=24)
TURN = dt.timedelta(minutes=5)
MOST_NOTES = 3
_LOOK = {
    Availability.TRUE.value: ("ok", "check-circle-fill"),
    Availability.FALSE.value: ("bad", "x-circle-fill"),
    Availability.UNKNOWN.value: ("warn", "question-circle-fill"),
}
_LABELS = {choice.value: choice.label for choice in Availability}


class Filter(models.TextChoices):
    """Which rows are wanted."""

    ALL = "all", gettext_lazy("All")
    UNAVAILABLE = "unavailable", gettext_lazy("Not available")
    CARE = "care", gettext_lazy("Needs care")
    OURS = "ours", gettext_lazy("Ours")
    LOCAL = "local", gettext_lazy("Local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a person asked to see: `newer_than`, `was` and `drawn` are what the page has (polling).

    `was` is the mark of the liveness, `drawn` the turn of the clock (`turn_of`).
    """

    state: str = Filter.ALL.value
    text: str = ""
    newer_than: int | None = None
    was: str = ""
    drawn: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsLook:
    """The TLS column: a word, how it looks (`css` empty: plain), what is known, when it ends."""

    word: str
    css: str = ""
    detail: str = ""
    ends: dt.datetime | None = None
    ends_text: str = ""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """One filter with the number of rows that it leaves."""

    value: str
    label: str
    number: int
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """All that the table and its surroundings show."""

    cluster: Cluster
    state: ClusterState
    liveness: Liveness
    drawn: str
    wanted: Wanted
    rows: tuple[Row, ...]
    counts: tuple[Count, ...]
    worst: Worst | None = None

    def lines(self) -> Iterator[str]:
        """Yield the markup of each row."""
        language, old = get_language() or "", self.liveness.is_old
        return (_markup(row, old=old, language=language) for row in self.rows)


@lru_cache(maxsize=4096)
def _markup(row: Row, *, old: bool, language: str) -> str:
    """Render one row; what it looks like depends on nothing but the arguments."""
    return render_to_string("clusters/_row.html", {"row": row, "old": old})


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """What the address asks for; what makes no sense counts as absent."""
    state, newer_than = query.get("state", ""), query.get("newer_than", "")
    known = newer_than.isdecimal() and newer_than.isascii() and len(newer_than) < 19
    return Wanted(
        state=state if state in Filter.values else Filter.ALL.value,
        text=query.get("q", "").strip()[:200],
        newer_than=int(newer_than) if known else None,
        was=query.get("was", ""),
        drawn=query.get("drawn", ""),
    )


def is_shown_already(
    wanted: Wanted, state: ClusterState, lease: Lease | None, *, now: dt.datetime
) -> bool:
    """Whether the page that asks has everything: same version, as live as it says, not too old."""
    return (
        wanted.newer_than is not None
        and state.version == wanted.newer_than
        and liveness_of(state, lease, now=now).mark == wanted.was
        and wanted.drawn in ("", turn_of(now))
    )


def turn_of(now: dt.datetime) -> str:
    """Changes every five minutes: strips and times to expiry move on though nothing happens."""
    return str(int(now.timestamp() // TURN.total_seconds()))


def make_board(cluster: Cluster, lease: Lease | None, wanted: Wanted, *, now: dt.datetime) -> Board:
    """Read the rows, what happened to them in the last day, what the doctor found of them; four
    queries, and one where something fails.
    """
    found = list(cluster.apiservices.worst_first(now=now).defer("raw", "tls_trouble"))
    sets = _sets(found, now=now)
    liveness = liveness_of(cluster.state, lease, now=now)
    day = Span(start=now - STRIP, end=now)
    happened = cluster.transitions.filter(at__gt=day.start).order_by("at", "pk")
    lately = by_name(happened.defer("reason", "message", "cause"))
    silences = silences_of(cluster, day)
    text = wanted.text.casefold()
    base = f"{cluster.get_absolute_url()}apiservices/"
    told = read_chart(cluster, now=now)
    rows = tuple(
        _with_doctor(
            _row(
                each,
                stretches(
                    lately.get(each.name, ()), status=each.available, span=day, silences=silences
                ),
                wanted=wanted,
                base=base,
                now=now,
            ),
            each,
            told,
        )
        for each in sets[wanted.state]
        if not text or text in f"{each.name} {each.service} {each.reason}".casefold()
    )
    counts = tuple(
        Count(
            value=choice.value,
            label=str(choice.label),
            number=len(sets[choice.value]),
            active=choice.value == wanted.state,
        )
        for choice in Filter
    )
    return Board(
        cluster=cluster,
        state=cluster.state,
        liveness=liveness,
        drawn=turn_of(now),
        wanted=wanted,
        rows=rows,
        counts=counts,
        worst=worst_of(told.loud),
    )


def _sets(
    found: Sequence[WatchedAPIService], *, now: dt.datetime
) -> dict[str, Sequence[WatchedAPIService]]:
    return {
        Filter.ALL.value: found,
        Filter.UNAVAILABLE.value: [
            row for row in found if row.available != Availability.TRUE.value
        ],
        Filter.CARE.value: [row for row in found if needs_care(row, now=now)],
        Filter.OURS.value: [row for row in found if not row.is_local],
        Filter.LOCAL.value: [row for row in found if row.is_local],
    }


def needs_care(row: WatchedAPIService, *, now: dt.datetime) -> bool:
    """The same as `WatchedAPIServiceQuerySet.needing_care`, for a row at hand."""
    ends_soon = row.ca_not_after is not None and row.ca_not_after < now + dt.timedelta(
        days=CARE_DAYS
    )
    return row.tls in (Tls.UNVERIFIED, Tls.BROKEN) or ends_soon


def _row(
    row: WatchedAPIService,
    day: Sequence[Stretch],
    *,
    wanted: Wanted,
    base: str,
    now: dt.datetime,
) -> Row:
    css, symbol = _LOOK.get(row.available, _LOOK["Unknown"])
    fails = row.available != Availability.TRUE.value
    return Row(
        name=plain(row.name),
        url=f"{base}{quote(row.name, safe='')}/",
        service=plain(row.service),
        css=css,
        symbol=symbol,
        word=str(_LABELS.get(row.available, row.available)),
        reason=plain(row.reason),
        since=row.since,
        since_text=_relative(row.since, now=now) if row.since else "",
        priorities=f"{_figure(row.group_priority)} / {_figure(row.version_priority)}",
        tls=tls_look(row, now=now),
        strip=draw(day, span=Span(start=now - STRIP, end=now)),
        uptime=uptime(day).text,
        flash=wanted.newer_than is not None and row.state_version > wanted.newer_than,
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


def tls_look(row: WatchedAPIService, *, now: dt.datetime) -> TlsLook:
    """How the extension API server's certificate is checked, in words."""
    if row.tls == Tls.NONE:
        return TlsLook(word="–")
    word = str(Tls(row.tls).label)
    if row.tls in (Tls.UNVERIFIED, Tls.BROKEN):
        return TlsLook(word=word, css="bad")
    if row.ca_not_after is None:
        return TlsLook(word=word)
    more = row.ca_count - 1
    detail = plain(row.ca_subject)
    if more > 0:
        detail = _("%(subject)s and %(count)d more") % {"subject": detail, "count": more}
    return TlsLook(
        word=word,
        css=_end_css(row.ca_not_after, now=now),
        detail=detail,
        ends=row.ca_not_after,
        ends_text=_end_text(row.ca_not_after, now=now),
    )


def _end_css(ends: dt.datetime, *, now: dt.datetime) -> str:
    if ends <= now:
        return "bad"
    return "warn" if ends < now + dt.timedelta(days=CARE_DAYS) else ""


def _end_text(ends: dt.datetime, *, now: dt.datetime) -> str:
    when = _relative(ends, now=now)
    return (_("ended %(when)s") if ends <= now else _("ends %(when)s")) % {"when": when}


def _relative(at: dt.datetime, *, now: dt.datetime) -> str:
    """As `relative`, no more exact than its words are, so that it is worked out once a while."""
    away = abs((now - at).total_seconds())
    step = 3600 if away > 86_400 else 60 if away > 60 else 1
    moment = dt.datetime.fromtimestamp(now.timestamp() // step * step, tz=dt.UTC)
    return _worded(at, moment, get_language() or "")


@lru_cache(maxsize=8192)
def _worded(at: dt.datetime, now: dt.datetime, language: str) -> str:
    return relative(at, now=now)


def _figure(value: int | None) -> str:
    return "–" if value is None else str(value)


def plain(text: str) -> str:
    """`visible`, quick for the usual text."""
    return text if text.isprintable() else visible(text)
