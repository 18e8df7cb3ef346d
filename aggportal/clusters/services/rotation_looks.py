"""Looking for the proof of a rotation's present step, by the worker and by whoever goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from aggportal.clusters.models import Rotation, RotationState, RotationStep, StepState
from aggportal.clusters.rotation.steps import Ask, Look, Proof, Step
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import KubeError
from aggportal.kube.permissions import render_rules
from aggportal.web.told import storable, tell

_SHOWN = ("proven", "seen", "missing", "rules", "asks")


def look_at(
    rotation: Rotation, step: Step, row: RotationStep, *, client: ApiClient, now: dt.datetime
) -> RotationStep:
    """Take the proof of `step` and write it down; return the row as it is then.

    A cluster that cannot be asked is a proof that is missing. Two that look at once both write what
    they saw; the page's version moves only with what is seen differently.
    """
    look = Look(client=client, rotation=rotation, step=row, now=now)
    try:
        proof = step.prove(look)
    except KubeError as error:
        proof = _unanswered(row, error)
    with transaction.atomic():
        Rotation.objects.select_for_update(no_key=True).filter(pk=rotation.pk).first()
        current = RotationStep.objects.filter(pk=row.pk, state=StepState.CURRENT).first()
        if current is not None:
            _write(rotation, current, proof, now=now)
    return RotationStep.objects.get(pk=row.pk)


def _unanswered(row: RotationStep, error: KubeError) -> Proof:
    """What a person is asked stays, whoever answers."""
    asks = tuple(
        Ask(key=ask["key"], sentence=sentence)
        for ask, said in zip(row.asks, row.asked, strict=True)
        if (sentence := said["sentence"]) is not None
    )
    missing = (error.sentence, *((error.remedy,) if error.remedy else ()))
    return Proof(ok=False, missing=missing, asks=asks)


def _write(rotation: Rotation, row: RotationStep, proof: Proof, *, now: dt.datetime) -> None:
    fresh: dict[str, Any] = {
        "proven": proof.ok,
        "seen": [tell(each) for each in proof.seen],
        "missing": [tell(each) for each in proof.missing],
        "rules": render_rules(proof.rules),
        "asks": [{"key": ask.key, "sentence": tell(ask.sentence)} for ask in proof.asks],
    }
    differs = row.looked_at is None or any(getattr(row, name) != fresh[name] for name in _SHOWN)
    facts: Mapping[str, Any] = storable({**row.facts, **proof.facts})
    differs = differs or row.facts.get("diffs") != facts.get("diffs")
    rows = RotationStep.objects.filter(pk=row.pk, state=StepState.CURRENT)
    rows.update(looked_at=now, facts=facts, **fresh)
    if differs:
        mine = Rotation.objects.filter(pk=rotation.pk, state=RotationState.OPEN)
        mine.update(version=F("version") + 1)
