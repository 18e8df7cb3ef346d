"""The checks by id: each a small function over the evidence, registered with its severity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from aggportal.doctor.evidence import Absent, Evidence, Known, Unread
from aggportal.doctor.findings import CLUSTER, Remedy, Report, Result, Severity, Verdict, in_order
from aggportal.kube.apiservices import APIService
from aggportal.words import Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Something is wrong. `severity` where it differs from the check's own."""

    sentence: Sentence
    remedy: Remedy
    evidence: tuple[Sentence, ...] = ()
    severity: Severity | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """What was seen, in words where that helps."""

    evidence: tuple[Sentence, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inapplicable:
    """The check has nothing to look at here, and why."""

    sentence: Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Unchecked:
    """Something was not read because of what else is wrong."""

    sentence: Sentence


Outcome = Found | Passed | Inapplicable | Unchecked | Unread
ClusterCheck = Callable[[Evidence], Outcome]
ServiceCheck = Callable[[Evidence, APIService], Outcome]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check. `run` yields a result for the cluster, or one for each APIService."""

    id: str
    severity: Severity
    title: Sentence
    run: Callable[[Evidence], Iterator[Result]]


CHECKS: dict[str, Check] = {}


def cluster_check(
    check_id: str, severity: Severity, title: str, *, reads: Iterable[str]
) -> Callable[[ClusterCheck], ClusterCheck]:
    """Register a check of the cluster as a whole; `reads` are the paths that it looks at."""
    told, paths = Sentence(text=title), tuple(reads)

    def register(function: ClusterCheck) -> ClusterCheck:
        blank = _blank(check_id, severity, told, paths)

        def run(evidence: Evidence) -> Iterator[Result]:
            yield _result(blank, function(evidence))

        _enter(Check(id=check_id, severity=severity, title=told, run=run))
        return function

    return register


def service_check(
    check_id: str, severity: Severity, title: str, *, reads: Iterable[str], local: bool = False
) -> Callable[[ServiceCheck], ServiceCheck]:
    """Register a check of each aggregated APIService, or with `local` of each local one."""
    told, paths = Sentence(text=title), tuple(reads)

    def register(function: ServiceCheck) -> ServiceCheck:
        blank = _blank(check_id, severity, told, paths)

        def run(evidence: Evidence) -> Iterator[Result]:
            for each in evidence.apiservices:
                if each.is_local == local:
                    yield _result(replace(blank, subject=each.name), function(evidence, each))

        _enter(Check(id=check_id, severity=severity, title=told, run=run))
        return function

    return register


def run_checks(evidence: Evidence) -> Report:
    """Run every registered check over `evidence`."""
    results = [result for check in CHECKS.values() for result in check.run(evidence)]
    return Report(results=in_order(results))


def value_of(read: Known[object] | Absent | Unread) -> object | None:
    """The value that was read, None where there is none."""
    return read.value if isinstance(read, Known) else None


def _enter(check: Check) -> None:
    if check.id in CHECKS:
        raise ValueError(f"{check.id} is registered twice")
    CHECKS[check.id] = check


def _blank(check_id: str, severity: Severity, title: Sentence, reads: tuple[str, ...]) -> Result:
    return Result(
        check=check_id,
        title=title,
        subject=CLUSTER,
        severity=severity,
        verdict=Verdict.PASSED,
        read=reads,
    )


def _result(blank: Result, outcome: Outcome) -> Result:
    match outcome:
        case Passed():
            return replace(blank, evidence=outcome.evidence)
        case Inapplicable():
            return replace(blank, verdict=Verdict.INAPPLICABLE, sentence=outcome.sentence)
        case Unchecked():
            return replace(blank, verdict=Verdict.UNCHECKED, sentence=outcome.sentence)
        case Unread():
            return replace(
                blank, verdict=Verdict.UNCHECKED, sentence=outcome.why, rule=outcome.rule
            )
        case Found():
            return replace(
                blank,
                verdict=Verdict.FOUND,
                severity=outcome.severity or blank.severity,
                sentence=outcome.sentence,
                evidence=outcome.evidence,
                remedy=outcome.remedy,
            )
