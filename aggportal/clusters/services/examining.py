"""Examining clusters: what is due or asked for, beside the worker's round, within a deadline."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F
from django.utils import timezone

from aggportal.clusters.models import Cluster, ClusterState, Examination, Finding, Transition
from aggportal.clusters.services.connections import client_for, egress_policy
from aggportal.clusters.services.drifting import ours_in
from aggportal.clusters.services.findings import Looked, write_examination, write_failure
from aggportal.clusters.services.managing import managed_in
from aggportal.clusters.services.snapshots import Superseded
from aggportal.doctor import examining  # noqa: F401 - registers every check
from aggportal.doctor.authconfig import parse_auth_config
from aggportal.doctor.drift import compare
from aggportal.doctor.evidence import Known
from aggportal.doctor.looking import Background, look
from aggportal.doctor.probing import Probe
from aggportal.doctor.registry import run_checks
from aggportal.kube.client import ApiClient, Timeouts
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError

log = logging.getLogger("aggportal.worker")

# One examination with all its questions.
SECONDS = 15.0
TIMEOUTS = Timeouts(connect=3.0, total=6.0, listing=10.0)
CHANGED, UNCHANGED = dt.timedelta(minutes=2), dt.timedelta(minutes=5)
TURNS = dt.timedelta(minutes=15)
AT_ONCE = 2
# Asking again while an answer is awaited asks nothing more, unless nobody answered for so long.
PATIENCE = dt.timedelta(minutes=1)
# Before a cluster is tried again of which nothing could be written.
_REST_SECONDS = 10.0

Clock = Callable[[], dt.datetime]


@transaction.atomic
def ask_examination(cluster: Cluster, *, by: Actor, now: dt.datetime) -> bool:
    """Have the worker examine `cluster` as soon as it can; false where that is under way."""
    ClusterState.objects.select_for_update().get(cluster=cluster)
    examination, _ = Examination.objects.get_or_create(cluster=cluster)
    asked_at = examination.asked_at
    if examination.is_awaited and asked_at is not None and now - asked_at < PATIENCE:
        return False
    wanted = Examination.objects.filter(pk=examination.pk)
    wanted.update(asked_at=now, asked_by=by.name, version=F("version") + 1)
    record("cluster.examined", actor=by, subject=("cluster", cluster.pk, cluster.name), at=now)
    return True


def examine_cluster(
    cluster: Cluster,
    *,
    clock: Clock = timezone.now,
    opened: Callable[[ApiClient], object] = lambda client: None,
) -> None:
    """Look at `cluster` and write what was found, or why it could not be looked at.

    `opened` gets the door to it, whose `ends_at` may be brought forward. Raises DatabaseError
    alone.
    """
    began, at = time.monotonic(), clock()
    try:
        seen_version = ClusterState.objects.get(cluster=cluster).version
        try:
            client = client_for(cluster, timeouts=TIMEOUTS)
            client.ends_at = time.monotonic() + SECONDS
            opened(client)
            looked = _look(cluster, client, at=at, seen_version=seen_version)
        except RefusedError as refused:
            write_failure(cluster, refused, at=at, now=clock())
            log.warning("cluster %s cannot be examined: %s", cluster.slug, refused)
            return
        took = round((time.monotonic() - began) * 1000)
        write_examination(cluster, replace(looked, milliseconds=took), now=clock())
    except (Superseded, ClusterState.DoesNotExist):
        log.info("cluster %s: no longer to be examined like this", cluster.slug)


def _look(cluster: Cluster, client: ApiClient, *, at: dt.datetime, seen_version: int) -> Looked:
    evidence = look(client, now=at, background=_background(cluster, client, now=at))
    trust = evidence.trust
    recognised, managed = managed_in(cluster, trust, now=at)
    evidence = replace(evidence, managed=managed)
    return Looked(
        at=at,
        milliseconds=0,
        seen_version=seen_version,
        report=run_checks(evidence),
        answers={each.name: evidence.discoveries[each.name] for each in evidence.aggregated},
        recognised=recognised,
        metrics=evidence.metrics.value if isinstance(evidence.metrics, Known) else None,
        trust=parse_auth_config(trust.value) if isinstance(trust, Known) else None,
        drift=compare(evidence, ours_in(cluster, recognised, evidence, now=at)),
    )


def _background(cluster: Cluster, client: ApiClient, *, now: dt.datetime) -> Background:
    """What is known beside the cluster; backends are shaken hands with, and Secrets are read, where
    that was chosen.
    """
    earlier = Examination.objects.filter(cluster=cluster).values_list("metrics", flat=True).first()
    eyes = ("shakes_hands", "forwards_ports", "reads_secrets")
    chosen = Cluster.objects.filter(pk=cluster.pk).values_list(*eyes).first()
    shakes_hands, forwards_ports, reads_secrets = chosen or (False, False, False)
    through = client if forwards_ports else None
    probe = Probe(egress=egress_policy(), through=through, ends_at=client.ends_at)
    return Background(
        turns=_turns(cluster, now=now),
        stale_since=_stale_since(cluster),
        metrics=earlier,
        probe=probe if shakes_hands or forwards_ports else None,
        secrets=reads_secrets,
    )


def _turns(cluster: Cluster, *, now: dt.datetime) -> dict[str, int]:
    """How often each APIService turned lately."""
    lately = Transition.objects.filter(cluster=cluster, at__gt=now - TURNS).exclude(came_from="")
    return dict(lately.order_by().values_list("name").annotate(count=Count("pk")))


def _stale_since(cluster: Cluster) -> dict[str, dt.datetime]:
    """Since when looks found the discovery of an APIService stale: the API does not tell."""
    rows = Finding.objects.unresolved().filter(cluster=cluster, code="A20")
    return dict(rows.order_by().values_list("subject", "first_seen"))


def is_due(cluster: Cluster, *, now: dt.datetime) -> bool:
    """Whether somebody asks, or the last look is too old for what happened since.

    `cluster` comes with its state, and its examination if there is one.
    """
    examination: Examination | None = getattr(cluster, "examination", None)
    if examination is not None and examination.is_awaited:
        return True
    if not cluster.state.connected:
        return False
    if examination is None or examination.tried_at is None or examination.tried_at > now:
        return True
    changed = cluster.state.version != examination.seen_version
    return now - examination.tried_at >= (CHANGED if changed else UNCHANGED)


@dataclass(kw_only=True)
class Examiner:
    """Examines what is due, a few clusters at once, each in a thread of its own."""

    clock: Clock = timezone.now
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _busy: dict[int, threading.Thread] = field(default_factory=dict, init=False)
    _rest: dict[int, float] = field(default_factory=dict, init=False)
    _clients: dict[int, ApiClient] = field(default_factory=dict, init=False)
    _stopped: bool = field(default=False, init=False)

    def go(self, *, now: dt.datetime) -> None:
        """Begin what is due and return at once."""
        if self._stopped:
            return
        clusters = Cluster.objects.select_related("state", "sealed", "examination")
        due = [each for each in clusters if is_due(each, now=now)]
        due.sort(key=_urgency)
        with self._lock:
            self._busy = {pk: each for pk, each in self._busy.items() if each.is_alive()}
            for cluster in due:
                if len(self._busy) >= AT_ONCE:
                    return
                rested = time.monotonic() >= self._rest.get(cluster.pk, 0)
                if cluster.pk not in self._busy and rested:
                    self._begin(cluster)

    def stop(self) -> None:
        """Ask no more questions: the process is about to end, and waits for those on their way."""
        self._stopped = True
        for client in tuple(self._clients.values()):
            client.ends_at = 0.0

    def wait(self, seconds: float) -> None:
        """Wait until nothing is under way."""
        deadline = time.monotonic() + seconds
        for thread in tuple(self._busy.values()):
            thread.join(max(deadline - time.monotonic(), 0))

    def _begin(self, cluster: Cluster) -> None:
        name = f"aggportal-examine-{cluster.slug}"
        thread = threading.Thread(target=self._examine, args=[cluster], daemon=True, name=name)
        self._busy[cluster.pk] = thread
        thread.start()

    def _examine(self, cluster: Cluster) -> None:
        try:
            examine_cluster(
                cluster,
                clock=self.clock,
                opened=lambda client: self._clients.__setitem__(cluster.pk, client),
            )
        except DatabaseError as exc:
            log.warning("cluster %s: the examination is not written: %s", cluster.slug, exc)
            self._rest[cluster.pk] = time.monotonic() + _REST_SECONDS
        finally:
            self._clients.pop(cluster.pk, None)
            connection.close()


def _urgency(cluster: Cluster) -> tuple[bool, dt.datetime]:
    """Those that somebody asked for first, then those that waited longest."""
    examination: Examination | None = getattr(cluster, "examination", None)
    if examination is None or examination.tried_at is None:
        return True, cluster.created_at
    return not examination.is_awaited, examination.tried_at
