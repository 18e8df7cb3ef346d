"""The portal's own deed in a step: claimed, told in the ledger before and after, kept.

A deed that was cut off is done again, and finds what it made before. It ends its own claim alone:
whoever took the step over meanwhile goes on undisturbed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from aggportal.clusters.models import Rotation, RotationStep, StepState
from aggportal.clusters.rotation.steps import Did, Doing
from aggportal.clusters.services.rotation_moves import (
    Moved,
    Present,
    bump,
    claim,
    give_back,
    moved,
    patient_client,
    require_present,
    subject_of,
)
from aggportal.clusters.services.telling import Teller
from aggportal.web.actors import Actor
from aggportal.words import RefusedError


def act(
    rotation: Rotation, step: int, chosen: Mapping[str, Any], *, by: Actor, now: dt.datetime
) -> Did:
    """Do the deed of the present step, whose row's id is `step`.

    Raises Moved, Busy, KubeError, and what the deed refuses.
    """
    at = require_present(rotation, step)
    deed = at.step.deed
    if deed is None:
        raise moved()
    claim(at.row, now=now)
    detail = {"step": at.row.key}
    on = rotation.cluster.scope
    tell = Teller("rotation.deed", subject_of(rotation), by=by, now=now, on=on, detail=detail)
    try:
        tell.intended()
        did = deed.do(_doing(at, chosen, by=by, now=now))
    except RefusedError as refused:
        tell.failed(refused)
        raise
    finally:
        give_back(at.row, now)
    _tell_and_keep(at, did, tell)
    return did


def _tell_and_keep(at: Present, did: Did, tell: Teller) -> None:
    """What was done is told although the rotation has ended meanwhile. Raises Moved."""
    made = str(did.sentence)[:300]
    try:
        with transaction.atomic():
            _keep(at, did)
            tell.done(made=made)
    except Moved:
        tell.done(made=made, moved=True)
        raise


def _doing(at: Present, chosen: Mapping[str, Any], *, by: Actor, now: dt.datetime) -> Doing:
    return Doing(
        client=patient_client(at.rotation.cluster),
        rotation=at.rotation,
        step=at.row,
        chosen=chosen,
        by=by,
        now=now,
        note=lambda **facts: _note(at.row, facts),
    )


def _note(row: RotationStep, facts: Mapping[str, Any]) -> None:
    """Over what stands in the row by now: the worker looks at the same time."""
    with transaction.atomic():
        Rotation.objects.select_for_update(no_key=True).get(pk=row.rotation_id)
        kept = RotationStep.objects.get(pk=row.pk)
        row.facts = {**kept.facts, **facts}
        row.save(update_fields=["facts"])


def _keep(at: Present, did: Did) -> None:
    """Write what a deed made; the proof of before does not count any more. Raises Moved."""
    rotation = Rotation.objects.select_for_update(no_key=True).get(pk=at.rotation.pk)
    rotation.facts = {**rotation.facts, **did.rotation_facts}
    rotation.new_authority = did.new_authority or rotation.new_authority
    rotation.new_certificate = did.new_certificate or rotation.new_certificate
    rotation.save(update_fields=["facts", "new_authority", "new_certificate"])
    row = RotationStep.objects.get(pk=at.row.pk)
    row.facts = {**row.facts, **did.step_facts}
    if row.state == StepState.CURRENT:
        row.looked_at, row.proven = None, False
    row.save(update_fields=["facts", "looked_at", "proven"])
    bump(rotation)
