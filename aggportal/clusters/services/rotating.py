"""The engine of rotations: start, look for the proof, go on, pass without proof, go back, stop.

Every move is one conditional UPDATE with its ledger entry in one transaction, so of those who
click together one moves it and nobody does half. A deed of the portal is claimed, told in the
ledger before and after, and finds what it made before when it is done again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from aggportal.clusters.models import Cluster, Rotation, RotationState, RotationStep, StepState
from aggportal.clusters.rotation.kinds import KINDS
from aggportal.clusters.rotation.steps import Beginning, Did, Doing, Kind, Step
from aggportal.clusters.services.connections import WHILE_A_PERSON_WAITS, client_for
from aggportal.clusters.services.rotation_looks import look_at
from aggportal.clusters.services.telling import Teller
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


class AlreadyOpen(RefusedError):
    """Another rotation of the same is under way in the cluster."""

    code = "rotation-open"


class Moved(RefusedError):
    """The rotation is at another step than the page showed."""

    code = "rotation-moved"


class NotProven(RefusedError):
    """The proof of a step is missing."""

    code = "not-proven"


class Busy(RefusedError):
    """The portal is doing the step's deed right now."""

    code = "rotation-busy"


class NothingBefore(RefusedError):
    """There is no step before the first."""

    code = "nothing-before"


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """An open rotation with its kind, its present step and that step's row."""

    rotation: Rotation
    kind: Kind
    step: Step
    row: RotationStep


def start_rotation(
    cluster: Cluster, key: str, chosen: Mapping[str, Any], *, by: Actor, now: dt.datetime
) -> Rotation:
    """Read the cluster and begin with the first step.

    Raises AlreadyOpen, KubeError, and what the kind refuses.
    """
    kind = KINDS[key]
    beginning = kind.begin(cluster, _client(cluster), chosen)
    try:
        with transaction.atomic():
            return _store(cluster, kind, beginning, by=by, now=now)
    except IntegrityError as clash:
        raise AlreadyOpen(
            _n("The same is being rotated in this cluster already. Go on with that, or stop it.")
        ) from clash


def present_of(rotation: Rotation) -> Present | None:
    """Where an open rotation is; None once it has ended."""
    row = rotation.steps.filter(state=StepState.CURRENT).first()
    if row is None or not rotation.is_open:
        return None
    row.rotation = rotation
    kind = KINDS[rotation.kind]
    return Present(rotation=rotation, kind=kind, step=kind.step(row.key), row=row)


def act(
    rotation: Rotation, step: int, chosen: Mapping[str, Any], *, by: Actor, now: dt.datetime
) -> Did:
    """Do the deed of the present step, whose row's id is `step`.

    Raises Moved, Busy, KubeError, and what the deed refuses.
    """
    at = _require_present(rotation, step)
    deed = at.step.deed
    if deed is None:
        raise _moved()
    _claim(at.row, now=now)
    tell = Teller(
        "rotation.deed", subject_of(rotation), by=by, now=now, detail={"step": at.row.key}
    )
    tell.intended()
    try:
        did = deed.do(_doing(at, chosen, by=by, now=now))
    except RefusedError as refused:
        tell.failed(refused)
        raise
    finally:
        RotationStep.objects.filter(pk=step).update(busy_since=None)
    with transaction.atomic():
        _keep(at, did)
        tell.done(made=str(did.sentence)[:300])
    return did


def say_seen(
    rotation: Rotation, step: int, keys: frozenset[str], *, by: Actor, now: dt.datetime
) -> None:
    """Keep what a person says to have seen: `keys` of the step's asks, no others. Raises Moved."""
    with transaction.atomic():
        Rotation.objects.select_for_update(no_key=True).get(pk=rotation.pk)
        row = _require_present(rotation, step).row
        asked = {ask["key"] for ask in row.asks}
        said = {"by": by.name, "at": now.isoformat()}
        row.told = {key: row.told.get(key, said) for key in sorted(keys & asked)}
        row.save(update_fields=["told"])
        _bump(rotation)
        detail = {"step": row.key, "seen": sorted(row.told)}
        _record("rotation.seen", rotation, by=by, now=now, detail=detail)


def go_on(rotation: Rotation, step: int, *, by: Actor, now: dt.datetime) -> None:
    """Look once more and go to the next step. Raises Moved and NotProven.

    Nothing happens where the step is past already: a second click.
    """
    if _is_past(rotation, step):
        return
    at = _require_present(rotation, step)
    row = look_at(at.rotation, at.step, at.row, client=_client(rotation.cluster), now=now)
    if not row.proven:
        first = next(iter(row.missing_sentences), None)
        raise NotProven(
            _n("The proof is missing: %(what)s"),
            what=first or "",
        )
    if not row.is_told:
        raise NotProven(
            _n("Say first what only you can see: every box of this step stands for one thing.")
        )
    _pass(at, StepState.PROVEN, "", by=by, now=now)


def override(rotation: Rotation, step: int, reason: str, *, by: Actor, now: dt.datetime) -> None:
    """Go to the next step without proof, for a reason. Raises Moved."""
    if _is_past(rotation, step):
        return
    _pass(_require_present(rotation, step), StepState.OVERRIDDEN, reason, by=by, now=now)


@transaction.atomic
def go_back(rotation: Rotation, step: int, *, by: Actor, now: dt.datetime) -> None:
    """Make the step before the present one anew. Raises Moved, NothingBefore."""
    at = _require_present(rotation, step)
    before = at.kind.before(at.step.key)
    if before is None:
        raise NothingBefore(_n("This is the first step. Stop the rotation instead."))
    _end(at.row, StepState.UNDONE, "", by=by, now=now)
    past = Q(state=StepState.PROVEN) | Q(state=StepState.OVERRIDDEN)
    rotation.steps.filter(past, key=before.key).update(state=StepState.UNDONE)
    _bump(rotation)
    rotation.steps.create(key=before.key, began_at=now)
    detail = {"from": at.step.key, "to": before.key}
    _record("rotation.went_back", rotation, by=by, now=now, detail=detail)


@transaction.atomic
def stop_rotation(rotation: Rotation, why: str, *, by: Actor, now: dt.datetime) -> None:
    """Leave everything as it is at this moment. Raises Moved where it has ended."""
    _finish(rotation, RotationState.STOPPED, why, by=by, now=now)
    _record("rotation.stopped", rotation, by=by, now=now, detail={"why": why})


def subject_of(rotation: Rotation) -> tuple[str, str, str]:
    """How the ledger names a rotation."""
    return "rotation", str(rotation.pk), f"{rotation} ({rotation.cluster.name})"


def _store(
    cluster: Cluster, kind: Kind, beginning: Beginning, *, by: Actor, now: dt.datetime
) -> Rotation:
    rotation = Rotation.objects.create(
        cluster=cluster,
        kind=kind.key,
        subject=beginning.subject,
        old_authority=beginning.old_authority,
        new_authority=beginning.new_authority,
        old_certificate=beginning.old_certificate,
        old_pem=beginning.old_pem,
        facts=dict(beginning.facts),
        started_at=now,
        started_by=by.name,
    )
    rotation.steps.create(key=kind.steps[0].key, began_at=now)
    detail = {"kind": kind.key, "cluster": cluster.name}
    _record("rotation.started", rotation, by=by, now=now, detail=detail)
    return rotation


def _client(cluster: Cluster) -> ApiClient:
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    client.ends_at = time.monotonic() + SECONDS
    return client


def _doing(at: Present, chosen: Mapping[str, Any], *, by: Actor, now: dt.datetime) -> Doing:
    def note(**facts: Any) -> None:
        at.row.facts = {**at.row.facts, **facts}
        RotationStep.objects.filter(pk=at.row.pk).update(facts=at.row.facts)

    return Doing(
        client=_client(at.rotation.cluster),
        rotation=at.rotation,
        step=at.row,
        chosen=chosen,
        by=by,
        now=now,
        note=note,
    )


def _require_present(rotation: Rotation, step: int) -> Present:
    at = present_of(Rotation.objects.select_related("cluster__sealed").get(pk=rotation.pk))
    if at is None or at.row.pk != step:
        raise _moved()
    return at


def _is_past(rotation: Rotation, step: int) -> bool:
    past = (StepState.PROVEN, StepState.OVERRIDDEN)
    return rotation.steps.filter(pk=step, state__in=past).exists()


def _claim(row: RotationStep, *, now: dt.datetime) -> None:
    free = Q(busy_since=None) | Q(busy_since__lt=now - CUT_OFF) | Q(busy_since__gt=now)
    mine = RotationStep.objects.filter(free, pk=row.pk, state=StepState.CURRENT)
    if not mine.update(busy_since=now):
        raise Busy(_n("The portal is doing this right now. Look again in some seconds."))


def _keep(at: Present, did: Did) -> None:
    """Write what a deed made; the proof of before does not count any more."""
    rotation = Rotation.objects.select_for_update(no_key=True).get(pk=at.rotation.pk)
    rotation.facts = {**rotation.facts, **did.rotation_facts}
    rotation.new_authority = did.new_authority or rotation.new_authority
    rotation.new_certificate = did.new_certificate or rotation.new_certificate
    rotation.save(update_fields=["facts", "new_authority", "new_certificate"])
    row = RotationStep.objects.get(pk=at.row.pk)
    row.facts = {**row.facts, **did.step_facts}
    row.looked_at, row.proven = None, False
    row.save(update_fields=["facts", "looked_at", "proven"])
    _bump(rotation)


@transaction.atomic
def _pass(at: Present, state: StepState, reason: str, *, by: Actor, now: dt.datetime) -> None:
    _end(at.row, state, reason, by=by, now=now)
    _bump(at.rotation)
    action = "rotation.step_passed" if state == StepState.PROVEN else "rotation.step_overridden"
    detail: dict[str, object] = {"step": at.step.key}
    if reason:
        detail["reason"] = reason
    detail["seen"] = [str(sentence)[:300] for sentence in at.row.seen_sentences][:20]
    _record(action, at.rotation, by=by, now=now, detail=detail)
    following = at.kind.after(at.step.key)
    if following is not None:
        at.rotation.steps.create(key=following.key, began_at=now)
        return
    _finish(at.rotation, RotationState.DONE, "", by=by, now=now)
    _record("rotation.done", at.rotation, by=by, now=now, detail={})


def _end(row: RotationStep, state: StepState, reason: str, *, by: Actor, now: dt.datetime) -> None:
    mine = RotationStep.objects.filter(pk=row.pk, state=StepState.CURRENT)
    if not mine.update(state=state, reason=reason, ended_at=now, ended_by=by.name):
        raise _moved()


def _finish(
    rotation: Rotation, state: RotationState, why: str, *, by: Actor, now: dt.datetime
) -> None:
    mine = Rotation.objects.filter(pk=rotation.pk, state=RotationState.OPEN)
    if not mine.update(
        state=state, ended_at=now, ended_by=by.name, ended_why=why, version=F("version") + 1
    ):
        raise _moved()


def _bump(rotation: Rotation) -> None:
    """Another version; only of one that is open. Raises Moved."""
    mine = Rotation.objects.filter(pk=rotation.pk, state=RotationState.OPEN)
    if not mine.update(version=F("version") + 1):
        raise _moved()


def _moved() -> Moved:
    return Moved(
        _n(
            "The rotation has moved on since this page was shown: somebody else, or another "
            "window. Nothing was done; look at where it is now."
        )
    )


def _record(
    action: str, rotation: Rotation, *, by: Actor, now: dt.datetime, detail: Mapping[str, object]
) -> None:
    record(
        action,
        actor=by,
        subject=subject_of(rotation),
        outcome=Outcome.DONE,
        detail=detail,
        at=now,
    )
