"""From what a watch saw to rows: one transaction, and a new version only for a visible change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max

from aggportal.clusters.facts import Facts, Raw, document_of, facts_of, name_of, resource_version_of
from aggportal.clusters.history import GAP
from aggportal.clusters.models import (
    Availability,
    Cluster,
    ClusterState,
    Silence,
    Transition,
    WatchedAPIService,
)
from aggportal.clusters.services.leadership import Leadership, require_leading
from aggportal.kube.watching import Snapshot
from aggportal.web.told import tell
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

_KEPT = {"id", "cluster", "name"}
_COLUMNS = [
    field.name for field in WatchedAPIService._meta.concrete_fields if field.name not in _KEPT
]
# How far ahead the cluster's clock may be before we trust our own instead.
_SKEW = dt.timedelta(minutes=1)


class Superseded(RefusedError):
    """The cluster got other credentials: what the old ones showed must not be written."""

    code = "superseded"


@transaction.atomic
def write_snapshot(
    cluster: Cluster, snapshot: Snapshot, *, leadership: Leadership, now: dt.datetime
) -> int:
    """Make the rows equal to `snapshot` and return the version after it.

    Raises NotLeading, Superseded, or ClusterState.DoesNotExist when the cluster was deleted.
    """
    state = _held_state(cluster, leadership)
    version = state.version + 1
    wanted = None if snapshot.relisted or not state.connected else snapshot.changed
    changed = _write_rows(cluster, snapshot, only=wanted, version=version, now=now)
    recovered = not state.connected
    if recovered:
        state.connected, state.trouble, state.remedy, state.since = True, None, None, now
    if changed or recovered:
        state.version = version
    if changed:
        rows = WatchedAPIService.objects.filter(cluster=cluster)
        state.total = rows.count()
        state.available = rows.filter(available=Availability.TRUE).count()
    _note_silence(cluster.pk, state.heard_at, snapshot.synced_at)
    state.heard_at = state.synced_at = snapshot.synced_at
    state.save()
    return state.version


@transaction.atomic
def write_trouble(
    cluster: Cluster,
    error: RefusedError,
    *,
    since: dt.datetime,
    leadership: Leadership,
) -> None:
    """Record why the cluster cannot be followed; what was last known stays."""
    state = _held_state(cluster, leadership)
    trouble = tell(error.sentence)
    remedy = tell(getattr(error, "remedy", None))
    if not state.connected and (state.trouble, state.remedy) == (trouble, remedy):
        return
    if state.connected or state.since is None:
        state.since = min(since, state.heard_at or since)
    state.connected, state.trouble, state.remedy = False, trouble, remedy
    state.version += 1
    state.save()


@transaction.atomic
def write_kube_version(cluster: Cluster, git_version: str, *, leadership: Leadership) -> None:
    """Record which Kubernetes answers."""
    state = _held_state(cluster, leadership)
    if state.kube_version != git_version[:64]:
        state.kube_version = git_version[:64]
        state.version += 1
        state.save()


def write_heard(heard: Iterable[tuple[int, dt.datetime]]) -> None:
    """Record that clusters (by id) were found alive; only while they count as connected."""
    found = dict(heard)
    connected = ClusterState.objects.filter(cluster_id__in=found, connected=True)
    before = dict(connected.values_list("cluster_id", "heard_at"))
    for cluster_id, at in found.items():
        _note_silence(cluster_id, before.get(cluster_id), at)
        ClusterState.objects.filter(cluster_id=cluster_id, connected=True).update(heard_at=at)


def _note_silence(cluster_id: int, before: dt.datetime | None, at: dt.datetime) -> None:
    """Keep that nothing was heard from `before` until `at`, if that is long."""
    if before is not None and at - before > GAP:
        Silence.objects.create(cluster_id=cluster_id, began=before, ended=at)


def _held_state(cluster: Cluster, leadership: Leadership) -> ClusterState:
    """The state, held until the transaction ends, if it is still ours to write."""
    require_leading(leadership)
    state = ClusterState.objects.select_for_update().get(cluster=cluster)
    if not Cluster.objects.filter(pk=cluster.pk, sealed=cluster.sealed_id).exists():
        raise Superseded(_n("The cluster is reached with other credentials now."))
    return state


def _write_rows(
    cluster: Cluster,
    snapshot: Snapshot,
    *,
    only: frozenset[str] | None,
    version: int,
    now: dt.datetime,
) -> bool:
    """Create, update and delete rows; tell if a page would differ.

    `only` limits the look to some names.
    """
    rows = WatchedAPIService.objects.filter(cluster=cluster)
    if only is not None:
        rows = rows.filter(name__in=only)
    present = {row.name: row for row in rows.defer("raw")}
    seen = {
        name_of(raw): raw
        for key, raw in snapshot.items.items()
        if (only is None or key in only) and name_of(raw)
    }
    turned: list[Transition] = []
    changed = False
    filled: list[WatchedAPIService] = []
    for name, raw in seen.items():
        row = present.get(name)
        same = row is not None and row.resource_version == resource_version_of(raw) != ""
        if same and not snapshot.relisted:
            continue
        facts = facts_of(raw)
        if same and row is not None and not facts.differs_from(row):
            continue
        if row is None:
            row = WatchedAPIService(cluster=cluster, name=name)
            turned.append(_turn(row, facts, now=now))
        elif facts.turned_from(row):
            turned.append(_turn(row, facts, now=now))
        changed |= _fill(row, facts, raw, version=version)
        filled.append(row)
    _save_all(filled)
    gone = [row for name, row in present.items() if name not in seen]
    turned += [_leave(row, now=now) for row in gone]
    WatchedAPIService.objects.filter(pk__in=[row.pk for row in gone]).delete()
    _keep_order(cluster, turned)
    Transition.objects.bulk_create(turned, batch_size=100)
    return changed or bool(gone)


def _fill(row: WatchedAPIService, facts: Facts, raw: Raw, *, version: int) -> bool:
    """Put the facts into `row`, unsaved; tell if a page would differ."""
    differs = row.pk is None or facts.differs_from(row)
    for name, value in facts.columns().items():
        setattr(row, name, value)
    row.raw, row.resource_version = document_of(raw), resource_version_of(raw)
    if differs:
        row.state_version = version
    return differs


def _save_all(rows: list[WatchedAPIService]) -> None:
    """Write new and changed rows in a few statements: a whole cluster may change at once."""
    for row in rows:
        row.pk = None  # the row is found by cluster and name
    WatchedAPIService.objects.bulk_create(
        rows,
        batch_size=100,
        update_conflicts=True,
        unique_fields=["cluster", "name"],
        update_fields=_COLUMNS,
    )


def _turn(row: WatchedAPIService, facts: Facts, *, now: dt.datetime) -> Transition:
    """The cluster's own time of a change of status is more exact than ours, if it is not absurd."""
    moved = row.available != facts.available
    told = facts.since if moved and facts.since and facts.since <= now + _SKEW else None
    return Transition(
        cluster=row.cluster,
        name=row.name,
        at=told or now,
        came_from=row.available,
        went_to=facts.available,
        reason=facts.reason,
        message=facts.message,
        cause=facts.cause,
    )


def _keep_order(cluster: Cluster, turned: list[Transition]) -> None:
    """Let no transition stand before an earlier one: the cluster's times are cut to seconds."""
    known = Transition.objects.filter(cluster=cluster, name__in=[each.name for each in turned])
    latest = dict(known.values("name").annotate(last=Max("at")).values_list("name", "last"))
    for each in turned:
        each.at = max(each.at, latest.get(each.name, each.at))


def _leave(row: WatchedAPIService, *, now: dt.datetime) -> Transition:
    return Transition(cluster=row.cluster, name=row.name, at=now, came_from=row.available)
