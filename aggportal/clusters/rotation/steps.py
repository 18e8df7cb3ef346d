"""The shape of a rotation: kinds, their steps, and what a step says, proves and does.

A kind is a list of steps. The engine (`services.rotating`) keeps which one is the present one,
looks for its proof, and refuses to go on without it. A step holds functions, no state: everything
that it keeps stands in the `Rotation`, or in its own row's `facts`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms

from aggportal.accounts.rights import Role
from aggportal.certs.models import Authority, Certificate
from aggportal.clusters.models import Cluster, Rotation, RotationStep
from aggportal.kube.client import ApiClient
from aggportal.kube.permissions import AccessRule
from aggportal.web.actors import Actor
from aggportal.words import Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Something that no API tells, so that a person has to: one box to tick."""

    key: str
    sentence: Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What one look found. `ok`: all that the cluster can show is there.

    A step is past once it is `ok` and a person said yes to every one of `asks`. `rules` are the
    permissions that were missing; `facts` go into the step's row, over what it has.
    """

    ok: bool
    seen: tuple[Sentence, ...] = ()
    missing: tuple[Sentence, ...] = ()
    asks: tuple[Ask, ...] = ()
    rules: tuple[AccessRule, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a proof is made of. `client` has a deadline; `step` is the present step's row."""

    client: ApiClient
    rotation: Rotation
    step: RotationStep
    now: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Doing:
    """What a deed works with. `chosen` is its form's cleaned data.

    `note(**facts)` writes into the step's row and commits at once: what must be known although
    the process ends in the middle of the deed. A deed is done again after that, so it first looks
    for what it has made before.
    """

    client: ApiClient
    rotation: Rotation
    step: RotationStep
    chosen: Mapping[str, Any]
    by: Actor
    now: dt.datetime
    note: Callable[..., None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Did:
    """What a deed made. What is None stays as it was; facts go over what is there."""

    sentence: Sentence
    new_authority: Authority | None = None
    new_certificate: Certificate | None = None
    rotation_facts: Mapping[str, Any] = field(default_factory=dict)
    step_facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something that the portal does in a step, when a person asks for it.

    `form(rotation, data)` is what the person fills in (None: nothing). Where `confirm` names
    something, that name has to be typed. `is_done` tells whether it is done already (the button
    becomes a quieter one then); it reads the rows only. `do` raises RefusedErrors, of which those
    with a `field` of the form are shown beside it. Beside the cluster's operator it wants `needs`:
    of issuers on the authority that signs, of administrators for the portal.
    """

    label: str
    do: Callable[[Doing], Did]
    form: Callable[[Rotation, Mapping[str, Any] | None], forms.Form] | None = None
    confirm: str = ""
    is_done: Callable[[Rotation, RotationStep], bool] = lambda rotation, step: False
    icon: str = "arrow-right"
    needs: Role = Role.OPERATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Lines for a shell, and the file that they write or the place where they are run."""

    title: Sentence
    lines: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A file to take away. `make(by, now)` gives its bytes; where it holds a private key it is
    taken by POST, by an issuer, and `make` records that before it returns.
    """

    key: str
    label: Sentence
    filename: str
    make: Callable[[Actor, dt.datetime], bytes]
    secret: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A page of the portal where a part of a step is done, with a look before anything changes."""

    label: Sentence
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Instructions:
    """What is to be done in a step: sentences, pages, files, commands by way of installing, and
    notes.
    """

    say: tuple[Sentence, ...]
    ways: tuple[Way, ...] = ()
    offers: tuple[Offer, ...] = ()
    commands: tuple[Command, ...] = ()
    notes: tuple[Sentence, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a kind. `title` and `back` are templates of sentences (`gettext_noop`).

    `tell` reads rows only: pages call it. `prove` asks the cluster, with the deadline of its
    client; it raises KubeError where it cannot be asked at all. `back` says what is to be undone by
    hand when somebody leaves this step for the one before.
    """

    key: str
    title: str
    tell: Callable[[Rotation, RotationStep], Instructions]
    prove: Callable[[Look], Proof]
    back: str
    deed: Deed | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """What a rotation starts with, as its kind's `begin` found it."""

    subject: str = ""
    old_authority: Authority | None = None
    new_authority: Authority | None = None
    old_certificate: Certificate | None = None
    old_pem: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of rotation. `about` says in a sentence when to use it; `end` what is left to do by
    hand when all is done.

    `form(cluster, data)` is what is asked before it starts; `begin(cluster, client, chosen)` reads
    the cluster and finds what it starts with, or refuses. `heading` names one rotation.
    """

    key: str
    title: str
    about: str
    steps: tuple[Step, ...]
    form: Callable[[Cluster, Mapping[str, Any] | None], forms.Form]
    begin: Callable[[Cluster, ApiClient, Mapping[str, Any]], Beginning]
    end: Callable[[Rotation], tuple[Sentence, ...]]

    def step(self, key: str) -> Step:
        """The step called `key`. Raises KeyError."""
        return {step.key: step for step in self.steps}[key]

    def after(self, key: str) -> Step | None:
        """The step after `key`, None after the last."""
        return self._beside(key, 1)

    def before(self, key: str) -> Step | None:
        """The step before `key`, None before the first."""
        return self._beside(key, -1)

    def _beside(self, key: str, way: int) -> Step | None:
        place = [step.key for step in self.steps].index(key) + way
        return self.steps[place] if 0 <= place < len(self.steps) else None
