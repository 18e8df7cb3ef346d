"""Why an APIService fails, and who suffers from it, from what the doctor keeps."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from aggportal.clusters.health import symbol_of, tone_of
from aggportal.clusters.models import Cluster, Finding, LastAnswer, WatchedAPIService
from aggportal.doctor.impact import SCALED
from aggportal.web.sentences import visible, words
from aggportal.words import Sentence

# The checks that say who suffers: namespaces that cannot go, autoscalers that see nothing.
SUFFERING = ("I01", "I02")
# Slow discovery of one API: everybody who asks for all groups waits for it, kubectl first.
SLOW = "A10"
# In a row of a table; the page of the APIService shows all that is kept.
SHOWN_BODY = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Suffering:
    """Who suffers, and the lines of evidence that name this API group."""

    finding: Finding
    lines: tuple[Sentence, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A finding with its look."""

    finding: Finding
    tone: str
    symbol: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """What came through the aggregator, what the doctor found of it, who suffers."""

    answer: LastAnswer | None
    findings: tuple[Finding, ...]
    suffering: tuple[Suffering, ...]

    @property
    def cards(self) -> tuple[Told, ...]:
        """The findings with how they look."""
        return tuple(
            Told(finding=each, tone=tone_of(each.harm), symbol=symbol_of(each.harm))
            for each in self.findings
        )

    @property
    def is_known(self) -> bool:
        return bool(self.answer or self.findings or self.suffering)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """What the doctor keeps of a whole cluster: what counts, by APIService; the answers that were
    no success.
    """

    loud: tuple[Finding, ...]
    findings: Mapping[str, Sequence[Finding]]
    answers: Mapping[str, LastAnswer]


def read_chart(cluster: Cluster, *, now: dt.datetime) -> Chart:
    """Read what counts, worst first; two queries."""
    loud = tuple(Finding.objects.loud(now=now).filter(cluster=cluster).defer("read").worst_first())
    by_name: dict[str, list[Finding]] = {}
    for each in loud:
        each.cluster = cluster
        by_name.setdefault(each.subject, []).append(each)
    failed = LastAnswer.objects.filter(cluster=cluster).exclude(status=200) if loud else ()
    return Chart(loud=loud, findings=by_name, answers={each.name: each for each in failed})


def answer_text(answer: LastAnswer) -> str:
    """What came through the aggregator, on one line."""
    if answer.status is None:
        why = answer.trouble_sentence
        return words(why) if why else ""
    body = visible(answer.body[:SHOWN_BODY].replace("\n", " "))
    return _("HTTP %(status)d after %(ms)d ms: %(body)s") % {
        "status": answer.status,
        "ms": answer.milliseconds,
        "body": body,
    }


def why_of(row: WatchedAPIService, *, now: dt.datetime) -> Why:
    """Read what is kept of one APIService; two queries."""
    found = list(Finding.objects.loud(now=now).filter(cluster=row.cluster).worst_first())
    for each in found:
        each.cluster = row.cluster
    return Why(
        answer=LastAnswer.objects.filter(cluster=row.cluster, name=row.name).first(),
        findings=tuple(each for each in found if each.subject == row.name and each.code != SLOW),
        suffering=suffering_from(row, found),
    )


def told_mark(row: WatchedAPIService, *, now: dt.datetime) -> str:
    """Changes when the doctor says something else of `row`; one query."""
    told = Finding.objects.loud(now=now).filter(cluster=row.cluster)
    told = told.filter(Q(subject=row.name) | Q(code__in=SUFFERING)).order_by("pk")
    shown = list(told.values_list("pk", "harm", "sentence", "unchecked_since"))
    return f"{zlib.crc32(repr(shown).encode()):x}"


def suffering_from(row: WatchedAPIService, found: Sequence[Finding]) -> tuple[Suffering, ...]:
    """Who suffers, among `found`, because of the group of `row`, or who waits for it."""
    waiting = (each for each in found if each.code == SLOW and each.subject == row.name)
    return tuple(Suffering(finding=each, lines=()) for each in waiting) + tuple(
        Suffering(finding=each, lines=lines)
        for each in found
        if each.code in SUFFERING and row.group and (lines := _naming(each, row.group))
    )


def _naming(finding: Finding, group: str) -> tuple[Sentence, ...]:
    told: Sequence[dict[str, object]] = finding.evidence
    sentences = zip(told, finding.evidence_sentences, strict=True)
    return tuple(
        sentence
        for stored, sentence in sentences
        if sentence is not None
        and sentence.text != SCALED
        and group in json.dumps(stored.get("params"), ensure_ascii=False)
    )
