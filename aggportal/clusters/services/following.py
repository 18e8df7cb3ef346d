"""Following clusters: a thread with a reflector for each, started and stopped as they come and go."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, connection
from django.utils import timezone

from aggportal.clusters.models import Cluster, ClusterState
from aggportal.clusters.services import snapshots
from aggportal.clusters.services.connections import client_for
from aggportal.clusters.services.leadership import Leadership, NotLeading
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import KubeError
from aggportal.kube.watching import Pace, Reflector, Snapshot
from aggportal.words import RefusedError

log = logging.getLogger("aggportal.worker")

# What a follower was started for: a cluster, and the generation of the way to reach it.
Key = tuple[int, int]
Write = Callable[[], object]
_RETRY_SECONDS = 1.0
_REOPEN_SECONDS = 5.0


@dataclass(kw_only=True)
class Follower:
    """One thread that follows one cluster until `stop` is set."""

    cluster: Cluster
    leadership: Leadership
    pace: Pace = field(default_factory=Pace)
    stop: threading.Event = field(default_factory=threading.Event)
    heard_at: dt.datetime | None = None
    _client: ApiClient | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(
            target=self._run, daemon=True, name=f"aggportal-follow-{self.cluster.slug}"
        )

    def _run(self) -> None:
        """Follow; a database that is away is waited for, a reign that is over ends it quietly."""
        try:
            while not self.stop.is_set():
                self._follow()
        except (NotLeading, ClusterState.DoesNotExist):
            log.info("cluster %s: no longer ours to follow", self.cluster.slug)
        finally:
            self.stop.set()
            connection.close()

    def _follow(self) -> None:
        try:
            self._client = client_for(self.cluster)
        except RefusedError as refused:
            self._take_trouble(refused, timezone.now())
            self.stop.wait(_REOPEN_SECONDS)
            return
        Reflector(
            client=self._client,
            on_snapshot=self._take_snapshot,
            on_trouble=self._take_trouble,
            on_alive=self._take_sign_of_life,
            pace=self.pace,
            stop=self.stop,
        ).run()

    def _take_sign_of_life(self, at: dt.datetime) -> None:
        """From another thread: only noted here, written by `Fleet.write_heard`."""
        self.heard_at = at

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        def write() -> None:
            snapshots.write_snapshot(
                self.cluster, snapshot, leadership=self.leadership, now=timezone.now()
            )

        self._write(write)
        if snapshot.relisted:
            self._note_version()

    def _take_trouble(self, error: RefusedError, since: dt.datetime) -> None:
        self.heard_at = None

        def write() -> None:
            snapshots.write_trouble(self.cluster, error, since=since, leadership=self.leadership)

        log.warning("cluster %s: %s", self.cluster.slug, error)
        self._write(write)

    def _note_version(self) -> None:
        try:
            found = self._client.version() if self._client else None
        except KubeError:  # the watch itself will say what is wrong
            return
        if found:
            self._write(
                lambda: snapshots.write_kube_version(
                    self.cluster, found.git_version, leadership=self.leadership
                )
            )

    def _write(self, write: Write) -> None:
        """Write, again and again while the database is away; nothing newer can overtake it."""
        while not self.stop.is_set():
            try:
                write()
            except DatabaseError as exc:
                log.warning("cluster %s: the database does not take it: %s", self.cluster.slug, exc)
                connection.close()
                self.stop.wait(_RETRY_SECONDS)
            else:
                return


@dataclass(kw_only=True)
class Fleet:
    """All followers of one worker."""

    leadership: Leadership
    pace: Pace = field(default_factory=Pace)
    _followers: dict[Key, Follower] = field(default_factory=dict, init=False)

    def follow_what_is_there(self) -> None:
        """Start a follower for each new or changed cluster, stop those of clusters gone."""
        wanted: dict[Key, Cluster] = {
            (cluster.pk, cluster.generation): cluster
            for cluster in Cluster.objects.select_related("connection")
        }
        for key, follower in list(self._followers.items()):
            if key not in wanted or follower.stop.is_set():
                follower.stop.set()
                del self._followers[key]
        for key in wanted.keys() - self._followers.keys():
            follower = Follower(cluster=wanted[key], leadership=self.leadership, pace=self.pace)
            self._followers[key] = follower
            log.info("cluster %s: following", follower.cluster.slug)
            follower.thread.start()

    def write_heard(self) -> None:
        """Write the signs of life since the last time."""
        heard: list[tuple[int, dt.datetime]] = []
        for follower in self._followers.values():
            at, follower.heard_at = follower.heard_at, None
            if at is not None:
                heard.append((follower.cluster.pk, at))
        snapshots.write_heard(heard)

    def stop(self, *, seconds: float = 1.0) -> None:
        """Stop all; wait for them for at most `seconds` in all, the process ends without them."""
        for follower in self._followers.values():
            follower.stop.set()
        deadline = dt.timedelta(seconds=seconds) + timezone.now()
        for follower in self._followers.values():
            left = (deadline - timezone.now()).total_seconds()
            follower.thread.join(max(left, 0))
        self._followers.clear()
