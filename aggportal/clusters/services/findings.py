"""The life of findings: from what an examination says to rows, under the cluster's lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from aggportal.clusters.models import Cluster, ClusterState, Examination, Finding, Harm, LastAnswer
from aggportal.clusters.models.apiservices import LONGEST_NAME
from aggportal.clusters.services.drifting import write_drift
from aggportal.clusters.services.seeing import write_seen
from aggportal.clusters.services.snapshots import Superseded
from aggportal.clusters.standing import dump_standing
from aggportal.doctor.authconfig import AuthConfig
from aggportal.doctor.drift import Comparison
from aggportal.doctor.evidence import Discovery
from aggportal.doctor.findings import Report, Result, Severity, Verdict
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.web.told import storable, tell
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

KEPT_BODY = 4096
# What a look that found it again says anew.
_TOLD = ("harm", "title", "sentence", "evidence", "remedy", "command", "deed", "read")
_SEEN = (*_TOLD, "last_seen", "unchecked_since", "unchecked_why")
_HARM = {
    Severity.CRITICAL: Harm.CRITICAL,
    Severity.ERROR: Harm.ERROR,
    Severity.WARNING: Harm.WARNING,
    Severity.INFO: Harm.INFO,
}
Key = tuple[str, str]


class NotOpen(RefusedError):
    """The finding is over, so there is nothing to mute."""

    code = "not_open"
    status = 409

    def __init__(self) -> None:
        super().__init__(_n("This finding is over; there is nothing to mute."))


class NotMuted(RefusedError):
    """Somebody was first, or the time ran out."""

    code = "not_muted"
    status = 409

    def __init__(self) -> None:
        super().__init__(_n("This finding is not muted."))


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """One examination that came to its end. `at` is when the look began."""

    at: dt.datetime
    milliseconds: int
    seen_version: int
    report: Report
    answers: Mapping[str, Discovery]
    recognised: int | None = None
    metrics: Mapping[str, float] | None = None
    # What the cluster says of whom it trusts; None where it could not be read.
    trust: AuthConfig | None = None
    # How what is live stands beside what we manage.
    drift: Comparison | None = None


@transaction.atomic
def write_examination(cluster: Cluster, looked: Looked, *, now: dt.datetime) -> bool:
    """Make the findings say what was found; false where a later look was written already.

    Raises Superseded, or ClusterState.DoesNotExist when the cluster was deleted.
    """
    state, examination = _held(cluster)
    # One of the future is from before a clock was set back.
    if examination.looked_at is not None and looked.at <= examination.looked_at <= now:
        return False
    still = state.version == looked.seen_version
    moved = _write_findings(cluster, looked.report, at=looked.at)
    if looked.drift is not None:
        moved |= write_drift(cluster, looked.drift, at=looked.at)
    if moved:
        state.version += 1
        state.save(update_fields=["version"])
    _write_answers(cluster, looked.answers, at=looked.at)
    if looked.trust is not None:
        write_seen(cluster, looked.trust)
    examination.version += 1
    examination.tried_at = examination.looked_at = looked.at
    examination.milliseconds = looked.milliseconds
    # What this look itself changed needs no other look.
    examination.seen_version = state.version if still else looked.seen_version
    examination.standing = dump_standing(looked.report.results)
    examination.trouble = examination.remedy = None
    examination.metrics = storable(looked.metrics) if looked.metrics else examination.metrics
    examination.recognised_id = looked.recognised
    examination.save()
    return True


@transaction.atomic
def write_failure(
    cluster: Cluster, error: RefusedError, *, at: dt.datetime, now: dt.datetime
) -> None:
    """Record why the cluster could not be examined; every finding stays as it was."""
    state, examination = _held(cluster)
    if examination.tried_at is not None and at <= examination.tried_at <= now:
        return
    examination.version += 1
    examination.tried_at = at
    examination.seen_version = state.version
    examination.trouble = tell(error.sentence)
    examination.remedy = tell(getattr(error, "remedy", None))
    examination.save()


@transaction.atomic
def mute_finding(
    finding: Finding, *, until: dt.datetime, reason: str, by: Actor, now: dt.datetime
) -> None:
    """Let a finding count no more towards its cluster's health until then. Raises NotOpen."""
    _turn(finding.cluster_id)
    changes = {"muted_until": until, "muted_reason": reason, "muted_by": by.name}
    if not Finding.objects.unresolved().filter(pk=finding.pk).update(**changes):
        raise NotOpen
    detail = {"until": until.isoformat(), "reason": reason}
    _record("finding.muted", finding, by=by, now=now, detail=detail)


@transaction.atomic
def unmute_finding(finding: Finding, *, by: Actor, now: dt.datetime) -> None:
    """Let it count again. Raises NotMuted."""
    _turn(finding.cluster_id)
    changes = {"muted_until": None, "muted_reason": "", "muted_by": ""}
    if not Finding.objects.filter(pk=finding.pk, muted_until__gt=now).update(**changes):
        raise NotMuted
    _record("finding.unmuted", finding, by=by, now=now, detail={})


def forget_old_findings(*, before: dt.datetime) -> None:
    """Drop what was over before then."""
    Finding.objects.filter(resolved_at__lt=before).delete()


def _held(cluster: Cluster) -> tuple[ClusterState, Examination]:
    """The cluster's state, held until the transaction ends, and its examination."""
    state = ClusterState.objects.select_for_update().get(cluster=cluster)
    if not Cluster.objects.filter(pk=cluster.pk, sealed=cluster.sealed_id).exists():
        raise Superseded(_n("The cluster is reached with other credentials now."))
    return state, Examination.objects.get_or_create(cluster=cluster)[0]


def _turn(cluster_id: int) -> None:
    """Hold the cluster's state, and let every page that shows its findings follow."""
    ClusterState.objects.filter(cluster_id=cluster_id).update(version=F("version") + 1)
    Examination.objects.filter(cluster_id=cluster_id).update(version=F("version") + 1)


def _write_findings(cluster: Cluster, report: Report, *, at: dt.datetime) -> bool:
    """Open, refresh and resolve; tell if a page would differ."""
    rows = Finding.objects.filter(cluster=cluster)
    present = {row.key: row for row in rows.unresolved()}
    found = {_key(each): each for each in report.findings}
    unchecked = {_key(each): each for each in report.having(Verdict.UNCHECKED)}
    again = [row for key, row in present.items() if key in found]
    differing = [row for row in again if _refresh(row, found[row.key], at=at)]
    unknown = [row for key, row in present.items() if key in unchecked and key not in found]
    differing += [row for row in unknown if _leave_open(row, unchecked[row.key], at=at)]
    over = [row.pk for key, row in present.items() if key not in found and key not in unchecked]
    rows.filter(pk__in=[row.pk for row in again]).update(last_seen=at)
    Finding.objects.bulk_update(differing, _SEEN, batch_size=50)
    rows.filter(pk__in=over).update(resolved_at=at)
    new = [_open(cluster, each, at=at) for key, each in found.items() if key not in present]
    _keep_mutes(cluster, new, now=at)
    Finding.objects.bulk_create(new, batch_size=50)
    return bool(differing or over or new)


def _open(cluster: Cluster, result: Result, *, at: dt.datetime) -> Finding:
    row = Finding(cluster=cluster, first_seen=at, last_seen=at)
    row.code, row.subject = _key(result)
    _fill(row, result)
    return row


def _refresh(row: Finding, result: Result, *, at: dt.datetime) -> bool:
    """Put what was found into `row`, unsaved; tell if a page would differ."""
    before = [getattr(row, name) for name in _TOLD]
    was_unchecked = row.unchecked_since is not None
    _fill(row, result)
    row.last_seen, row.unchecked_since, row.unchecked_why = at, None, None
    return was_unchecked or before != [getattr(row, name) for name in _TOLD]


def _leave_open(row: Finding, result: Result, *, at: dt.datetime) -> bool:
    """What could not be looked at is not over."""
    before = (row.unchecked_since, row.unchecked_why)
    row.unchecked_since = row.unchecked_since or at
    row.unchecked_why = tell(result.sentence)
    return before != (row.unchecked_since, row.unchecked_why)


def _fill(row: Finding, result: Result) -> None:
    remedy = result.remedy
    row.harm = _HARM[result.severity]
    row.title, row.sentence = tell(result.title), tell(result.sentence)
    row.evidence = [tell(each) for each in result.evidence]
    row.remedy = tell(remedy.sentence) if remedy else None
    row.command = str(storable(remedy.command)) if remedy else ""
    row.deed = str(remedy.deed) if remedy and remedy.deed else ""
    row.read = [storable(path) for path in result.read]


def _keep_mutes(cluster: Cluster, new: Iterable[Finding], *, now: dt.datetime) -> None:
    """Who muted something until a day does not want to hear when it comes back before that."""
    muted = Finding.objects.resolved().filter(cluster=cluster, muted_until__gt=now).order_by("pk")
    latest = {row.key: row for row in muted}
    for row in new:
        if (before := latest.get(row.key)) is not None:
            row.muted_until, row.muted_by = before.muted_until, before.muted_by
            row.muted_reason = before.muted_reason


def _write_answers(cluster: Cluster, answers: Mapping[str, Discovery], *, at: dt.datetime) -> None:
    rows = [
        LastAnswer(
            cluster=cluster,
            name=str(storable(name))[:LONGEST_NAME],
            at=at,
            path=str(storable(answer.path)),
            status=answer.status,
            milliseconds=answer.milliseconds,
            body=str(storable(answer.body[:KEPT_BODY])),
            trouble=tell(answer.trouble),
        )
        for name, answer in answers.items()
    ]
    LastAnswer.objects.bulk_create(
        rows,
        batch_size=100,
        update_conflicts=True,
        unique_fields=["cluster", "name"],
        update_fields=["at", "path", "status", "milliseconds", "body", "trouble"],
    )
    LastAnswer.objects.filter(cluster=cluster, at__lt=at).delete()


def _key(result: Result) -> Key:
    return result.check, str(storable(result.subject))[:LONGEST_NAME]


def _record(
    action: str, finding: Finding, *, by: Actor, now: dt.datetime, detail: dict[str, str]
) -> None:
    cluster = finding.cluster
    about = {"cluster": cluster.name, "check": finding.code, "about": finding.subject}
    record(
        action,
        actor=by,
        subject=("finding", finding.pk, str(finding)),
        detail=about | detail,
        at=now,
    )
