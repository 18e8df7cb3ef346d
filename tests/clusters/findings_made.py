"""Reports as the doctor gives them, and examinations of a cluster made of them."""

from __future__ import annotations

import datetime as dt

from aggportal.clusters.models import Cluster, ClusterState
from aggportal.clusters.services.findings import Looked, write_examination
from aggportal.doctor.evidence import Discovery
from aggportal.doctor.findings import (
    CLUSTER,
    Deed,
    Remedy,
    Report,
    Result,
    Severity,
    Verdict,
    in_order,
)
from aggportal.kube.permissions import AccessRule
from aggportal.words import Sentence

NOW = dt.datetime(2027, 3, 1, 12, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
METRICS = "v1beta1.metrics.k8s.io"


def say(text: str, **params: object) -> Sentence:
    return Sentence(text=text, params=params)


def found(
    check: str = "A09",
    subject: str = METRICS,
    *,
    severity: Severity = Severity.ERROR,
    sentence: str = "Requests do not arrive.",
    evidence: str = "HTTP 503: service unavailable",
    deed: Deed | None = None,
    command: str = "",
) -> Result:
    """A finding."""
    return Result(
        check=check,
        title=say("Requests reach the backend"),
        subject=subject,
        severity=severity,
        verdict=Verdict.FOUND,
        sentence=say("%(what)s", what=sentence),
        evidence=(say("%(what)s", what=evidence),),
        remedy=Remedy(sentence=say("Look at the backend."), deed=deed, command=command),
        read=("/apis/<group>/<version>",),
    )


def passed(check: str = "A09", subject: str = METRICS) -> Result:
    return Result(
        check=check,
        title=say("Requests reach the backend"),
        subject=subject,
        severity=Severity.ERROR,
        verdict=Verdict.PASSED,
        evidence=(say("%(ms)d ms", ms=12),),
    )


def unchecked(
    check: str = "A09", subject: str = METRICS, *, rule: AccessRule | None = None
) -> Result:
    return Result(
        check=check,
        title=say("Requests reach the backend"),
        subject=subject,
        severity=Severity.ERROR,
        verdict=Verdict.UNCHECKED,
        sentence=say("This account may not read it."),
        rule=rule,
    )


def looked(*results: Result, at: dt.datetime = NOW, **changes: object) -> Looked:
    """A look that came to an end."""
    answers = {METRICS: Discovery(path="/apis/metrics.k8s.io/v1beta1", milliseconds=7, status=503)}
    values: dict[str, object] = {
        "at": at,
        "milliseconds": 40,
        "seen_version": ClusterState.objects.values_list("version", flat=True).first() or 0,
        "report": Report(results=in_order(list(results))),
        "answers": answers,
    }
    return Looked(**(values | changes))  # type: ignore[arg-type]


def examined(
    cluster: Cluster,
    *results: Result,
    at: dt.datetime = NOW,
    now: dt.datetime | None = None,
    **changes: object,
) -> bool:
    """Write an examination that began at `at` with these results, at `now`."""
    return write_examination(cluster, looked(*results, at=at, **changes), now=now or at)


__all__ = [
    "CLUSTER",
    "METRICS",
    "MINUTE",
    "NOW",
    "examined",
    "found",
    "looked",
    "passed",
    "unchecked",
]
