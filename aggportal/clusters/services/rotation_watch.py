"""The worker's look at open rotations: each in a thread of its own, a few at once."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, connection
from django.utils import timezone

from aggportal.clusters.models import Rotation, RotationState, RotationStep, StepState
from aggportal.clusters.services.rotation_looks import look_at
from aggportal.clusters.services.rotation_moves import patient_client, present_of
from aggportal.kube.client import ApiClient
from aggportal.web.periodic import FAULTS
from aggportal.words import RefusedError

log = logging.getLogger("aggportal.worker")

EVERY = dt.timedelta(seconds=3)
AT_ONCE = 4


def due_rotations(*, now: dt.datetime) -> list[int]:
    """Ids of the open rotations whose present step was not looked at lately."""
    current = RotationStep.objects.filter(
        state=StepState.CURRENT, rotation__state=RotationState.OPEN
    )
    looked = current.filter(looked_at__gt=now - EVERY, looked_at__lte=now)
    due = current.exclude(pk__in=looked.values("pk")).order_by("looked_at")
    return list(due.values_list("rotation_id", flat=True))


def watch_rotation(
    pk: int,
    *,
    now: dt.datetime,
    opened: Callable[[ApiClient], object] = lambda client: None,
) -> None:
    """Look for the proof of the present step of the rotation `pk`; nothing where it has ended."""
    rotation = Rotation.objects.select_related(
        "cluster__sealed", "old_authority", "new_authority", "new_certificate__material"
    ).get(pk=pk)
    at = present_of(rotation)
    if at is None:
        return
    client = patient_client(rotation.cluster)
    opened(client)
    look_at(rotation, at.step, at.row, client=client, now=now)


@dataclass(kw_only=True)
class RotationWatcher:
    """Begins what is due and returns at once; `stop` lets what is under way end."""

    clock: Callable[[], dt.datetime] = timezone.now
    _busy: dict[int, threading.Thread] = field(default_factory=dict, init=False)
    _clients: dict[int, ApiClient] = field(default_factory=dict, init=False)
    _stopped: bool = field(default=False, init=False)

    def go(self, *, now: dt.datetime) -> None:
        """Begin the looks that are due."""
        if self._stopped:
            return
        self._busy = {pk: each for pk, each in self._busy.items() if each.is_alive()}
        for pk in due_rotations(now=now):
            if len(self._busy) >= AT_ONCE:
                return
            if pk not in self._busy:
                name = f"aggportal-rotation-{pk}"
                thread = threading.Thread(target=self._watch, args=[pk], daemon=True, name=name)
                self._busy[pk] = thread
                thread.start()

    def stop(self) -> None:
        """Ask no more questions: the process is about to end."""
        self._stopped = True
        for client in tuple(self._clients.values()):
            client.ends_at = 0.0

    def wait(self, seconds: float) -> None:
        """Wait until nothing is under way."""
        deadline = time.monotonic() + seconds
        for thread in tuple(self._busy.values()):
            thread.join(max(deadline - time.monotonic(), 0))

    def _watch(self, pk: int) -> None:
        try:
            watch_rotation(
                pk,
                now=self.clock(),
                opened=lambda client: self._clients.__setitem__(pk, client),
            )
        except (DatabaseError, RefusedError, Rotation.DoesNotExist) as exc:
            log.warning("rotation %s is not looked at: %s", pk, exc)
        except FAULTS:
            log.exception("rotation %s is not looked at: a fault of the portal", pk)
        finally:
            self._clients.pop(pk, None)
            connection.close()
