"""How closely an authority follows cfssl, changed knowingly."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from aggportal.certs.models import Authority, Mode
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class ModeAlready(RefusedError):
    """The authority has this mode already, or somebody else was faster."""

    code = "mode-already"


@transaction.atomic
def change_mode(authority: Authority, mode: Mode, *, by: Actor, now: dt.datetime) -> None:
    """Let `authority` follow cfssl to the byte, or leave its traps out; what it issued stays.

    Raises `ModeAlready`.
    """
    before = authority.mode
    changed = Authority.objects.filter(pk=authority.pk).exclude(mode=mode).update(mode=mode)
    if not changed:
        raise ModeAlready(_n("The authority does so already; nothing was changed."), field="mode")
    authority.mode = mode
    record(
        "authority.mode_changed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={"before": str(before), "after": mode.value},
        at=now,
    )
