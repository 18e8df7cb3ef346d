"""Following clusters: a thread and a reflector for each, as clusters come and go."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, OperationalError, connection
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

# What a follower was started for: a cluster, and the credentials that it had then.
Key = tuple[int, uuid.UUID]
Write = Callable[[], object]
_RETRY_SECONDS = 1.0
# Before a cluster is tried again whose credentials do not open, or whose follower broke down.
_REST_SECONDS = 5.0


@dataclass(kw_only=True)
class Follower:
    """One thread that follows one cluster until `stop` is set."""

    cluster: Cluster
    leadership: Leadership
    pace: Pace = field(default_factory=Pace)
    stop: threading.Event = field(default_factory=threading.Event)
    heard_at: dt.datetime | None = None
    _client: ApiClient | None = field(default=None, init=False, repr=False)
    _said: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.started = time.monotonic()
        self.thread = threading.Thread(
            target=self._run, daemon=True, name=f"aggportal-follow-{self.cluster.slug}"
        )

    def _run(self) -> None:
        """Follow; a database that is away is waited for, a reign that is over ends it quietly."""
        try:
            while not self.stop.is_set():
                self._follow()
        except (NotLeading, snapshots.Superseded, ClusterState.DoesNotExist):
            log.info("cluster %s: no longer ours to follow", self.cluster.slug)
        finally:
            self.stop.set()
            connection.close()

    @property
    def is_spent(self) -> bool:
        """It ended by itself, and long enough ago to begin anew."""
        rested = time.monotonic() - self.started > _REST_SECONDS
        return self.stop.is_set() and not self.thread.is_alive() and rested

    def _follow(self) -> None:
        try:
            self._client = client_for(self.cluster)
        except RefusedError as refused:
            self._take_trouble(refused, timezone.now())
            self.stop.wait(_REST_SECONDS)
            return
        Reflector(
            client=self._client,
            on_snapshot=self._take_snapshot,
            on_trouble=self._take_trouble,
            on_alive=self._take_sign_of_life,
            pace=self.pace,
            stop=self.stop,
            now=timezone.now,
        ).run()

    def _take_sign_of_life(self, at: dt.datetime) -> None:
        """From another thread: only noted here, written by `Fleet.write_heard`."""
        self.heard_at = at

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        def write() -> None:
            snapshots.write_snapshot(
                self.cluster, snapshot, leadership=self.leadership, now=timezone.now()
            )

        self._said = ""
        self._write(write)
        if snapshot.relisted:
            self._note_version()

    def _take_trouble(self, error: RefusedError, since: dt.datetime) -> None:
        self.heard_at = None

        def write() -> None:
            snapshots.write_trouble(self.cluster, error, since=since, leadership=self.leadership)

        if str(error) != self._said:
            self._said = str(error)
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
            except (OperationalError, InterfaceError) as exc:
                log.warning("cluster %s: the database is away: %s", self.cluster.slug, exc)
                connection.close()
                self.stop.wait(_RETRY_SECONDS)
            except DatabaseError:
                log.exception("cluster %s: this cannot be stored", self.cluster.slug)
                return
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
            (cluster.pk, cluster.sealed_id): cluster
            for cluster in Cluster.objects.select_related("sealed")
        }
        for key, follower in list(self._followers.items()):
            if key not in wanted or follower.is_spent:
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
        deadline = time.monotonic() + seconds
        for follower in self._followers.values():
            follower.thread.join(max(deadline - time.monotonic(), 0))
        self._followers.clear()
