"""Where an open rotation is, and the conditional UPDATEs by which it moves.

Each move is one UPDATE that asks for what it found, so of those who click together one moves it.
While the portal does a step's deed, its row holds `busy_since`: the step neither ends nor is the
rotation stopped until the deed has ended, or has been under way for so long that it was cut off.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from aggportal.clusters.models import Cluster, Rotation, RotationState, RotationStep, StepState
from aggportal.clusters.rotation.kinds import KINDS
from aggportal.clusters.rotation.steps import Kind, Step
from aggportal.clusters.services.connections import WHILE_A_PERSON_WAITS, client_for
from aggportal.kube.client import ApiClient
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

# All questions together that a person waits for.
SECONDS = 9.0
# A deed that is under way for longer was cut off.
CUT_OFF = dt.timedelta(seconds=20)


class Moved(RefusedError):
    """The rotation is at another step than the page showed."""

    code = "rotation-moved"


class Busy(RefusedError):
    """The portal is doing the step's deed right now."""

    code = "rotation-busy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """An open rotation with its kind, its present step and that step's row."""

    rotation: Rotation
    kind: Kind
    step: Step
    row: RotationStep


def present_of(rotation: Rotation) -> Present | None:
    """Where an open rotation is; None once it has ended."""
    row = rotation.steps.filter(state=StepState.CURRENT).first()
    if row is None or not rotation.is_open:
        return None
    row.rotation = rotation
    kind = KINDS[rotation.kind]
    return Present(rotation=rotation, kind=kind, step=kind.step(row.key), row=row)


def require_present(rotation: Rotation, step: int) -> Present:
    """Where it is now, if that is the step whose row's id is `step`. Raises Moved."""
    at = present_of(Rotation.objects.select_related("cluster__sealed").get(pk=rotation.pk))
    if at is None or at.row.pk != step:
        raise moved()
    return at


def claim(row: RotationStep, *, now: dt.datetime) -> None:
    """Begin the deed of a step, alone: `now` marks who does it. Raises Busy, Moved."""
    if not _standing(row, now=now).update(busy_since=now):
        raise _why_not(row)


def give_back(row: RotationStep, claimed: dt.datetime) -> None:
    """End a deed; nothing where somebody else has claimed the step since."""
    RotationStep.objects.filter(pk=row.pk, busy_since=claimed).update(busy_since=None)


def require_free(row: RotationStep, *, now: dt.datetime) -> None:
    """Refuse while the step's deed is under way. Raises Busy, Moved."""
    if not _standing(row, now=now).exists():
        raise _why_not(row)


def end_step(
    row: RotationStep, state: StepState, reason: str, *, by: Actor, now: dt.datetime
) -> None:
    """Let the present step be past, or, with `state` CURRENT, the one that it stopped at. Raises
    Busy, Moved.
    """
    ended = {"state": state, "reason": reason, "ended_at": now, "ended_by": by.name}
    if not _standing(row, now=now).update(**ended):
        raise _why_not(row)


def finish(
    rotation: Rotation, state: RotationState, why: str, *, by: Actor, now: dt.datetime
) -> None:
    """Let an open rotation end. Raises Moved."""
    mine = Rotation.objects.filter(pk=rotation.pk, state=RotationState.OPEN)
    if not mine.update(
        state=state, ended_at=now, ended_by=by.name, ended_why=why, version=F("version") + 1
    ):
        raise moved()


def bump(rotation: Rotation) -> None:
    """Another version; only of one that is open. Raises Moved."""
    mine = Rotation.objects.filter(pk=rotation.pk, state=RotationState.OPEN)
    if not mine.update(version=F("version") + 1):
        raise moved()


def moved() -> Moved:
    """What is raised where a page was behind."""
    return Moved(
        _n(
            "The rotation has moved on since this page was shown: somebody else, or another "
            "window. Nothing was done; look at where it is now."
        )
    )


def subject_of(rotation: Rotation) -> tuple[str, str, str]:
    """How the ledger names a rotation."""
    return "rotation", str(rotation.pk), f"{rotation} ({rotation.cluster.name})"


def record_done(
    action: str, rotation: Rotation, *, by: Actor, now: dt.datetime, detail: Mapping[str, object]
) -> None:
    """Write a move into the ledger, in the transaction of the move."""
    record(
        action,
        actor=by,
        subject=subject_of(rotation),
        outcome=Outcome.DONE,
        detail=detail,
        at=now,
    )


def patient_client(cluster: Cluster) -> ApiClient:
    """The door to a cluster, with one deadline for all questions."""
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    client.ends_at = time.monotonic() + SECONDS
    return client


def _standing(row: RotationStep, *, now: dt.datetime) -> QuerySet[RotationStep]:
    """The row, where it is the present step still and no deed is under way."""
    free = Q(busy_since=None) | Q(busy_since__lt=now - CUT_OFF) | Q(busy_since__gt=now)
    return RotationStep.objects.filter(free, pk=row.pk, state=StepState.CURRENT, ended_at=None)


def _why_not(row: RotationStep) -> RefusedError:
    if RotationStep.objects.filter(pk=row.pk, state=StepState.CURRENT, ended_at=None).exists():
        return Busy(_n("The portal is doing this right now. Look again in some seconds."))
    return moved()
