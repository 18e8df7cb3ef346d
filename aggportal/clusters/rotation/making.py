"""The first step of a front-proxy CA's exchange: the authority that takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms

from aggportal.accounts.rights import Role
from aggportal.certs.forms.succeeding import label_to_begin_with, numbered
from aggportal.certs.models import Authority, Lane, Mode
from aggportal.certs.services.authority_names import free_slug
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.succeeding import (
    AlreadySucceeded,
    create_successor,
    spec_of_successor,
    successor_of,
)
from aggportal.clusters.forms.rotating import MakeAuthorityForm
from aggportal.clusters.models import Rotation, RotationStep
from aggportal.clusters.rotation.bundles import new_cas, old_cas
from aggportal.clusters.rotation.proofs import told_ca
from aggportal.clusters.rotation.steps import Deed, Did, Doing, Instructions, Look, Proof, Step
from aggportal.doctor.told import say
from aggportal.pki.errors import InvalidField
from aggportal.pki.requests import parse_request_spec
from aggportal.words import gettext_noop as _n


def _form(rotation: Rotation, data: Mapping[str, Any] | None) -> forms.Form:
    old = rotation.old_authority
    initial = {
        "label": label_to_begin_with(old) if old else "",
        "common_name": numbered(old.common_name)[:64] if old else "",
    }
    return MakeAuthorityForm(data, initial=initial)


def _make(doing: Doing) -> Did:
    made = doing.rotation.new_authority or _new(doing)
    return Did(sentence=say(_n("%(label)s is made."), label=made.label), new_authority=made)


def _new(doing: Doing) -> Authority:
    old = doing.rotation.old_authority
    if old is None:
        raise InvalidField(
            _n(
                "The present CA is none of this portal's. Start anew and choose the authority that "
                "takes its place."
            ),
            field="label",
        )
    made = successor_of(old)  # made before this could be written down, or by hand
    if made is not None:
        return made
    name = str(doing.chosen["common_name"])
    spec = replace(parse_request_spec(spec_of_successor(old), strict=False), common_name=name)
    try:
        choices = _choices(old, str(doing.chosen["label"]))
        return create_successor(old, spec, choices, by=doing.by, now=doing.now)
    except AlreadySucceeded:
        found = successor_of(old)
        if found is None:
            raise
        return found


def _choices(old: Authority, label: str) -> AuthorityChoices:
    """Everything that is not asked is as it was."""
    return AuthorityChoices(
        label=label,
        slug=free_slug(label),
        lane=Lane(old.lane),
        mode=Mode(old.mode),
        file_base=numbered(old.file_base),
        signing_config=old.signing_config,
        override_reason=old.override_reason,
    )


def _tell(rotation: Rotation, step: RotationStep) -> Instructions:
    return Instructions(
        say=(
            say(
                _n(
                    "Make the authority that takes the place of the present one. It has a new key "
                    "and a name of its own; profiles and allowed names are the same. Nothing in "
                    "the cluster changes by that."
                )
            ),
        )
    )


def _prove(look: Look) -> Proof:
    made = new_cas(look.rotation)
    if not made:
        return Proof(ok=False, missing=(say(_n("The new authority is not made yet.")),))
    new, missing = made[0], []
    if not new.not_before <= look.now <= new.not_after:
        missing.append(told_ca(_n("%(subject)s is not valid at this time."), new))
    if look.rotation.new_authority and look.rotation.new_authority.retired_at:
        missing.append(told_ca(_n("%(subject)s is retired and would sign nothing."), new))
    seen = [told_ca(_n("%(subject)s, SHA-256 %(digest)s."), new)]
    if any(ca.subject == new.subject for ca in old_cas(look.rotation)):
        seen.append(say(_SAME_NAME))
    return Proof(ok=not missing, seen=tuple(seen), missing=tuple(missing))


_SAME_NAME = _n(
    "It has the same subject as the present CA, with another key. Servers may try the wrong one "
    "of both and log “candidate authority certificate”; one with another name is better."
)

MAKE_STEP = Step(
    key="make",
    title=_n("Make the new authority"),
    tell=_tell,
    prove=_prove,
    back=_n("This is the first step."),
    deed=Deed(
        label=_n("Make the authority"),
        do=_make,
        form=_form,
        is_done=lambda rotation, step: rotation.new_authority_id is not None,
        icon="plus-lg",
        needs=Role.ADMINISTRATOR,
    ),
)
