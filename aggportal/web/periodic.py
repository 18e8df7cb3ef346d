"""Work that comes round: a registry that the worker asks what is due. Only the leader does it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, connection

from aggportal.words import RefusedError

log = logging.getLogger("aggportal.worker")

Work = Callable[[dt.datetime], object]
# What a mistake in a job raises: it must not end the worker, and all other work with it.
FAULTS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    OSError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """`work(now)` is done every `every`; it must be safe to repeat and short."""

    name: str
    every: dt.timedelta
    work: Work


_JOBS: dict[str, Job] = {}


def periodic(name: str, *, every: dt.timedelta) -> Callable[[Work], Work]:
    """Register a function of the present time as periodic work of the worker."""

    def register(work: Work) -> Work:
        _JOBS[name] = Job(name=name, every=every, work=work)
        return work

    return register


@dataclass(kw_only=True)
class Schedule:
    """When each job was done last, in this process."""

    jobs: dict[str, Job] = field(default_factory=lambda: _JOBS)
    _done: dict[str, dt.datetime] = field(default_factory=dict, init=False)

    def run_due(self, *, now: dt.datetime) -> None:
        """Do what is due. A job that fails is logged and comes round again."""
        for job in tuple(self.jobs.values()):
            last = self._done.get(job.name)
            if last is not None and last <= now < last + job.every:
                continue
            self._done[job.name] = now
            try:
                job.work(now)
            except (DatabaseError, RefusedError) as exc:
                log.warning("periodic work %s: %s", job.name, exc)
                connection.close()
            except FAULTS:
                log.exception("periodic work %s: a fault of the portal", job.name)
                connection.close()
