"""The worker's round: lead or wait, follow clusters, do what is due, until told to stop."""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field

from django.db import DatabaseError, connection
from django.utils import timezone

from aggportal.clusters.services.following import Fleet
from aggportal.clusters.services.leadership import Leadership, give_back, lead
from aggportal.kube.watching import Pace
from aggportal.web.periodic import Schedule

log = logging.getLogger("aggportal.worker")

ROUND_SECONDS = 1.0
# The lease lasts three times as long, and a waiting worker asks as often.
RENEW_SECONDS = 3.0
# The clock was set where it moved this much more or less than time went by.
_LEAP = dt.timedelta(seconds=2)


def worker_name() -> str:
    """Return a name that no other worker has, telling host and process."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(6)}"


@dataclass(kw_only=True)
class Worker:
    """One worker process. `run` blocks until `stop` is set; several may run at once, one leads."""

    name: str = field(default_factory=worker_name)
    stop: threading.Event = field(default_factory=threading.Event)
    pace: Pace = field(default_factory=Pace)
    schedule: Schedule = field(default_factory=Schedule)
    _fleet: Fleet | None = field(default=None, init=False)
    _renew_at: float = field(default=0.0, init=False)
    _clock: tuple[dt.datetime, float] | None = field(default=None, init=False)

    @property
    def is_leading(self) -> bool:
        return self._fleet is not None

    def run(self) -> None:
        """Go round once a second; if the database is away, the next round tries again."""
        try:
            while not self.stop.is_set():
                self._try_round()
                self.stop.wait(ROUND_SECONDS)
        finally:
            self._stand_down(give=True)
            connection.close()

    def _try_round(self) -> None:
        try:
            self._round()
        except DatabaseError as exc:
            log.warning("the database does not answer: %s", exc)
            connection.close()

    def _round(self) -> None:
        if self._clock_was_set():
            self._renew_at = 0.0
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + RENEW_SECONDS
            self._take_place(lead(self.name, now=timezone.now()))
        if self._fleet is None:
            return
        fleet = self._fleet
        fleet.follow_what_is_there()
        fleet.write_heard()
        self.schedule.run_due(now=timezone.now())

    def _clock_was_set(self) -> bool:
        """Whether somebody set the clock since the last round; the lease tells the old time then.

        A machine that slept looks the same, and is treated alike.
        """
        before, self._clock = self._clock, (timezone.now(), time.monotonic())
        if before is None:
            return False
        (now, at), (then, since) = self._clock, before
        leapt = now - then - dt.timedelta(seconds=at - since)
        if abs(leapt) > _LEAP:
            log.warning("the clock was set by %s", leapt)
        return abs(leapt) > _LEAP

    def _take_place(self, leadership: Leadership | None) -> None:
        """Lead, go on leading, or stand back, as the lease says."""
        if self._fleet is not None and self._fleet.leadership != leadership:
            self._stand_down(give=False)
        if self._fleet is None and leadership is not None:
            log.info("leading, term %s", leadership.term)
            self._fleet = Fleet(leadership=leadership, pace=self.pace)

    def _stand_down(self, *, give: bool) -> None:
        if self._fleet is None:
            return
        fleet, self._fleet = self._fleet, None
        log.info("no longer leading")
        fleet.stop()
        if give:
            try:
                give_back(fleet.leadership)
            except DatabaseError as exc:
                log.warning("the lease is not given back: %s", exc)
