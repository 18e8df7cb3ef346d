"""How people move rotations: start, say what they saw, go on, pass without proof, go back, stop.

Every move stands with its ledger entry in one transaction, so that nobody does half.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from aggportal.clusters.models import Cluster, Rotation, RotationState, StepState
from aggportal.clusters.rotation.kinds import KINDS
from aggportal.clusters.rotation.steps import Beginning, Kind
from aggportal.clusters.services.rotation_looks import look_at
from aggportal.clusters.services.rotation_moves import (
    Present,
    bump,
    end_step,
    finish,
    moved,
    patient_client,
    present_of,
    record_done,
    require_free,
    require_present,
)
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class AlreadyOpen(RefusedError):
    """Another rotation of the same is under way in the cluster."""

    code = "rotation-open"


class NotProven(RefusedError):
    """The proof of a step is missing."""

    code = "not-proven"


class NothingBefore(RefusedError):
    """There is no step before the first."""

    code = "nothing-before"


def start_rotation(
    cluster: Cluster, key: str, chosen: Mapping[str, Any], *, by: Actor, now: dt.datetime
) -> Rotation:
    """Read the cluster and begin with the first step.

    Raises AlreadyOpen, KubeError, and what the kind refuses.
    """
    kind = KINDS[key]
    beginning = kind.begin(cluster, patient_client(cluster), chosen)
    try:
        with transaction.atomic():
            return _store(cluster, kind, beginning, by=by, now=now)
    except IntegrityError as clash:
        raise AlreadyOpen(
            _n("The same is being rotated in this cluster already. Go on with that, or stop it.")
        ) from clash


def say_seen(
    rotation: Rotation, step: int, keys: frozenset[str], *, by: Actor, now: dt.datetime
) -> None:
    """Keep what a person says to have seen: `keys` of the step's asks, no others. Raises Moved."""
    with transaction.atomic():
        Rotation.objects.select_for_update(no_key=True).get(pk=rotation.pk)
        row = require_present(rotation, step).row
        asked = {ask["key"] for ask in row.asks}
        said = {"by": by.name, "at": now.isoformat()}
        row.told = {key: row.told.get(key, said) for key in sorted(keys & asked)}
        row.save(update_fields=["told"])
        bump(rotation)
        detail = {"step": row.key, "seen": sorted(row.told)}
        record_done("rotation.seen", rotation, by=by, now=now, detail=detail)


def go_on(rotation: Rotation, step: int, *, by: Actor, now: dt.datetime) -> None:
    """Look once more and go to the next step. Raises Moved, Busy and NotProven.

    Nothing happens where the step is past already: a second click.
    """
    if _is_past(rotation, step):
        return
    at = require_present(rotation, step)
    require_free(at.row, now=now)
    client = patient_client(rotation.cluster)
    row = look_at(at.rotation, at.step, at.row, client=client, now=now)
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
    """Go to the next step without proof, for a reason. Raises Moved, Busy."""
    if _is_past(rotation, step):
        return
    _pass(require_present(rotation, step), StepState.OVERRIDDEN, reason, by=by, now=now)


@transaction.atomic
def go_back(rotation: Rotation, step: int, *, by: Actor, now: dt.datetime) -> None:
    """Make the step before the present one anew. Raises Moved, Busy, NothingBefore."""
    at = require_present(rotation, step)
    before = at.kind.before(at.step.key)
    if before is None:
        raise NothingBefore(_n("This is the first step. Stop the rotation instead."))
    end_step(at.row, StepState.UNDONE, "", by=by, now=now)
    past = Q(state=StepState.PROVEN) | Q(state=StepState.OVERRIDDEN)
    rotation.steps.filter(past, key=before.key).update(state=StepState.UNDONE)
    bump(rotation)
    rotation.steps.create(key=before.key, began_at=now)
    detail = {"from": at.step.key, "to": before.key}
    record_done("rotation.went_back", rotation, by=by, now=now, detail=detail)


@transaction.atomic
def stop_rotation(rotation: Rotation, why: str, *, by: Actor, now: dt.datetime) -> None:
    """Leave everything as it is at this moment. Raises Moved where it has ended, and Busy."""
    at = present_of(Rotation.objects.get(pk=rotation.pk))
    if at is None:
        raise moved()
    end_step(at.row, StepState.CURRENT, "", by=by, now=now)
    finish(rotation, RotationState.STOPPED, why, by=by, now=now)
    record_done("rotation.stopped", rotation, by=by, now=now, detail={"why": why})


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
    record_done("rotation.started", rotation, by=by, now=now, detail=detail)
    return rotation


def _is_past(rotation: Rotation, step: int) -> bool:
    past = (StepState.PROVEN, StepState.OVERRIDDEN)
    return rotation.steps.filter(pk=step, state__in=past).exists()


@transaction.atomic
def _pass(at: Present, state: StepState, reason: str, *, by: Actor, now: dt.datetime) -> None:
    end_step(at.row, state, reason, by=by, now=now)
    bump(at.rotation)
    action = "rotation.step_passed" if state == StepState.PROVEN else "rotation.step_overridden"
    detail: dict[str, object] = {"step": at.step.key}
    if reason:
        detail["reason"] = reason
    detail["seen"] = [str(sentence)[:300] for sentence in at.row.seen_sentences][:20]
    record_done(action, at.rotation, by=by, now=now, detail=detail)
    following = at.kind.after(at.step.key)
    if following is not None:
        at.rotation.steps.create(key=following.key, began_at=now)
        return
    finish(at.rotation, RotationState.DONE, "", by=by, now=now)
    record_done("rotation.done", at.rotation, by=by, now=now, detail={})
