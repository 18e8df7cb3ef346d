"""All clusters at a glance: reachable, how well, what ends first; the worst first."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from aggportal.clusters.boards import turn_of
from aggportal.clusters.health import Worst, worst_by_cluster
from aggportal.clusters.liveness import Liveness, liveness_of
from aggportal.clusters.models import Cluster, Harm, Lease
from aggportal.clusters.soonest import Soonest, soonest_by_cluster

SOON = dt.timedelta(days=30)
_NEVER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One cluster. `grade` is 0 for what is broken, 1 for what wants care, 2 for what is well."""

    cluster: Cluster
    liveness: Liveness
    worst: Worst | None
    soonest: Soonest | None
    grade: int
    ends: str

    @property
    def place(self) -> tuple[object, ...]:
        """Where it stands among the others."""
        state = self.cluster.state
        return (
            self.grade,
            self.worst.harm if self.worst else len(Harm),
            -state.unavailable,
            self.soonest.when if self.soonest else _NEVER,
            self.cluster.name.casefold(),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetBoard:
    """The lines, the worst first. `mark` differs wherever they would look different."""

    lines: tuple[Line, ...]
    mark: str

    def count(self, grade: int) -> int:
        return sum(line.grade == grade for line in self.lines)

    @property
    def broken(self) -> int:
        return self.count(0)

    @property
    def careful(self) -> int:
        return self.count(1)


def read_clusters() -> list[Cluster]:
    """All clusters with what a mark and a line need; one query."""
    found = Cluster.objects.select_related("state", "examination")
    return list(found.defer("examination__standing"))


def mark_of(clusters: Iterable[Cluster], lease: Lease | None, *, now: dt.datetime) -> str:
    """A digest of what the board is made from; it moves every five minutes at least."""
    parts = [turn_of(now)]
    for cluster in clusters:
        examination = getattr(cluster, "examination", None)
        live = liveness_of(cluster.state, lease, now=now)
        version = examination.version if examination else 0
        parts.append(f"{cluster.pk}/{cluster.name}/{cluster.state.version}/{version}/{live.mark}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def make_fleet(clusters: Iterable[Cluster], lease: Lease | None, *, now: dt.datetime) -> FleetBoard:
    """The board of `clusters`; nine queries however many there are."""
    clusters = list(clusters)
    worst, soonest = worst_by_cluster(now=now), soonest_by_cluster(now=now)
    lines = [
        make_line(
            cluster,
            liveness_of(cluster.state, lease, now=now),
            worst.get(cluster.pk),
            soonest.get(cluster.pk),
            now=now,
        )
        for cluster in clusters
    ]
    ordered = tuple(sorted(lines, key=lambda line: line.place))
    return FleetBoard(lines=ordered, mark=mark_of(clusters, lease, now=now))


def make_line(
    cluster: Cluster,
    liveness: Liveness,
    worst: Worst | None,
    soonest: Soonest | None,
    *,
    now: dt.datetime,
) -> Line:
    """One line, graded: the worst of what is known."""
    over = soonest is not None and soonest.when <= now
    soon = soonest is not None and soonest.when <= now + SOON
    grade = 2
    if liveness.kind != "live" or soon or (worst and worst.harm == Harm.WARNING):
        grade = 1
    grave = worst is not None and worst.harm <= Harm.ERROR
    if liveness.is_old or over or grave or cluster.state.unavailable:
        grade = 0
    ends = "bad" if over else "warn" if soon else ""
    return Line(
        cluster=cluster, liveness=liveness, worst=worst, soonest=soonest, grade=grade, ends=ends
    )
