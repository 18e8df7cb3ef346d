"""The checks that found nothing, as JSON: passed, not checked and why, nothing to look at.

Four hundred APIServices make thousands of results: they are kept by check and by what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aggportal.doctor.findings import Result, Verdict
from aggportal.kube.permissions import AccessRule
from aggportal.web.told import storable, tell, told
from aggportal.words import Sentence

MOST_NAMES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Stood:
    """One check with one verdict and one reason, on `count` subjects; the first are named.

    `subjects` is empty where it is about the cluster. `evidence` is of the first subject.
    """

    code: str
    title: Sentence | None
    verdict: Verdict
    sentence: Sentence | None
    rule: AccessRule | None
    count: int
    subjects: tuple[str, ...]
    evidence: tuple[Sentence | None, ...]
    read: tuple[str, ...]

    @property
    def names(self) -> str:
        """The subjects that are named."""
        return ", ".join(self.subjects)

    @property
    def more(self) -> int:
        """How many subjects are not named."""
        return max(self.count - len(self.subjects), 0) if self.subjects else 0


def dump_standing(results: Iterable[Result]) -> list[dict[str, Any]]:
    """JSON values of all results that are no findings."""
    kept: dict[object, dict[str, Any]] = {}
    for result in results:
        if result.verdict == Verdict.FOUND:
            continue
        key = (result.check, result.verdict, str(result.sentence), result.rule)
        entry = kept.setdefault(key, _entry(result))
        entry["count"] += 1
        if result.subject and len(entry["subjects"]) < MOST_NAMES:
            entry["subjects"].append(storable(result.subject))
    return list(kept.values())


def load_standing(stored: Sequence[dict[str, Any]]) -> tuple[Stood, ...]:
    """What `dump_standing` kept."""
    return tuple(_stood(entry) for entry in stored)


def _entry(result: Result) -> dict[str, Any]:
    rule = result.rule
    names = ("verb", "group", "resource", "path", "namespace", "name")
    return {
        "code": result.check,
        "title": tell(result.title),
        "verdict": str(result.verdict),
        "sentence": tell(result.sentence),
        "rule": {name: storable(getattr(rule, name)) for name in names} if rule else None,
        "count": 0,
        "subjects": [],
        "evidence": [tell(each) for each in result.evidence],
        "read": [storable(path) for path in result.read],
    }


def _stood(entry: dict[str, Any]) -> Stood:
    return Stood(
        code=entry["code"],
        title=told(entry["title"]),
        verdict=Verdict(entry["verdict"]),
        sentence=told(entry["sentence"]),
        rule=AccessRule(**entry["rule"]) if entry["rule"] else None,
        count=entry["count"],
        subjects=tuple(entry["subjects"]),
        evidence=tuple(told(each) for each in entry["evidence"]),
        read=tuple(entry["read"]),
    )
