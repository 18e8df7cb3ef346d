"""From a rotation to what its page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from aggportal.clusters.forms.rotating import DeedForm
from aggportal.clusters.models import Rotation, RotationStep, StepState
from aggportal.clusters.rotation.kinds import KINDS
from aggportal.clusters.rotation.steps import Deed, Instructions, Kind, Offer
from aggportal.clusters.services.rotation_moves import Present, present_of
from aggportal.words import Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One step of the stepper: `row` is its last time, None before the first; `earlier` those that
    somebody went back over.
    """

    number: int
    key: str
    title: Sentence
    row: RotationStep | None
    earlier: tuple[RotationStep, ...]

    @property
    def state(self) -> str:
        """current, proven, overridden, or pending."""
        return self.row.state if self.row else "pending"


@dataclass(frozen=True, kw_only=True, slots=True)
class RotationPage:
    """All that the page shows. `instructions` and what follows are empty once it has ended."""

    rotation: Rotation
    kind: Kind
    title: Sentence
    lines: tuple[Line, ...]
    present: Present | None
    instructions: Instructions | None = None
    deed: Deed | None = None
    deed_label: Sentence | None = None
    deed_done: bool = False
    form: forms.Form | None = None
    typed: DeedForm | None = None
    end: tuple[Sentence, ...] = ()

    @property
    def frame(self) -> str:
        """Changes with everything around the proof: then the page is to be loaded anew."""
        return frame_of(self.rotation, self.present)

    @property
    def number(self) -> int:
        """The present step's number, 0 once it has ended."""
        here = self.present.step.key if self.present else ""
        return next((line.number for line in self.lines if line.key == here), 0)

    @property
    def back(self) -> Sentence | None:
        """What is to be undone by hand when somebody leaves the present step."""
        return Sentence(text=self.present.step.back) if self.present else None

    @property
    def is_first(self) -> bool:
        return self.number == 1

    def offer(self, key: str) -> Offer | None:
        """A file of the present step."""
        offers = self.instructions.offers if self.instructions else ()
        return next((offer for offer in offers if offer.key == key), None)


def frame_of(rotation: Rotation, present: Present | None) -> str:
    """What stands around the proof, as one word."""
    row = present.row.pk if present else rotation.state
    return f"{row}-{rotation.new_authority_id}-{rotation.new_certificate_id}"


def make_rotation_page(
    rotation: Rotation, *, form: forms.Form | None = None, typed: DeedForm | None = None
) -> RotationPage:
    """Read the rotation's rows. `form` and `typed` are those that were refused."""
    kind, present = KINDS[rotation.kind], present_of(rotation)
    frame: dict[str, Any] = {
        "rotation": rotation,
        "kind": kind,
        "title": Sentence(text=kind.title),
        "lines": _lines(kind, list(rotation.steps.all())),
        "present": present,
    }
    if present is None:
        ended = kind.end(rotation) if rotation.state == "done" else ()
        return RotationPage(**frame, end=ended)
    step, row = present.step, present.row
    deed = step.deed
    return RotationPage(
        **frame,
        instructions=step.tell(rotation, row),
        deed=deed,
        deed_label=Sentence(text=deed.label) if deed else None,
        deed_done=deed.is_done(rotation, row) if deed else False,
        form=form or deed_form(deed, rotation, None),
        typed=typed or typed_form(deed, None),
    )


def deed_form(
    deed: Deed | None, rotation: Rotation, data: Mapping[str, Any] | None
) -> forms.Form | None:
    """What a deed asks, None where it asks nothing."""
    return deed.form(rotation, data) if deed and deed.form else None


def typed_form(deed: Deed | None, data: Mapping[str, Any] | None) -> DeedForm | None:
    """The name that a deed wants typed, None where it wants none."""
    return DeedForm(data, expected=deed.confirm) if deed and deed.confirm else None


def _lines(kind: Kind, rows: list[RotationStep]) -> tuple[Line, ...]:
    lines = []
    for number, step in enumerate(kind.steps, start=1):
        mine = [row for row in rows if row.key == step.key]
        standing = [row for row in mine if row.state != StepState.UNDONE]
        earlier = tuple(row for row in mine if row.state == StepState.UNDONE)
        last = standing[-1] if standing else None
        title = Sentence(text=step.title)
        lines.append(Line(number=number, key=step.key, title=title, row=last, earlier=earlier))
    return tuple(lines)
