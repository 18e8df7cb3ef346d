"""Going on though something was lost: two administrators say so, each with their password."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.db.models import F

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, has_role
from aggportal.backups.errors import BackupError
from aggportal.certs.models import Authority
from aggportal.ledger.keys import ledger_key
from aggportal.ledger.offline import Note
from aggportal.ledger.restored import Loss, accept_loss, find_loss, pending_restoration
from aggportal.words import gettext_noop as _n

PEOPLE = 2
_SHORTEST_REASON = 10


@transaction.atomic
def accept_with_two(
    notes: Sequence[Note], *, passwords: Mapping[str, str], reason: str, now: dt.datetime
) -> Loss:
    """Accept what the anchors say is missing; numbers of lists leap over what may have been.

    `passwords` are by user name. Raises BackupError, and what comparing raises.
    """
    restoration = pending_restoration()
    if restoration is None:
        raise BackupError(_n("No restored backup waits for being compared."))
    newest, loss = find_loss(restoration, notes, verifier=ledger_key().verifier)
    if loss is None:
        raise BackupError(
            _n("Nothing is missing: say `manage.py ledger_verify --against ANCHOR` instead.")
        )
    if len(reason.strip()) < _SHORTEST_REASON:
        raise BackupError(_n("Say why, in a sentence: it stays in the ledger."))
    names = _require_administrators(passwords)
    Authority.objects.update(crl_number=F("crl_number") + (loss.last - loss.first + 1))
    accept_loss(loss, newest, administrators=names, reason=reason.strip(), now=now)
    return loss


def _require_administrators(passwords: Mapping[str, str]) -> list[str]:
    found = User.objects.filter(username__in=list(passwords), is_active=True).order_by("username")
    right = [
        user.username
        for user in found
        if has_role(user, Role.ADMINISTRATOR)
        and check_password(passwords[user.username], user.password)
    ]
    if len(right) < PEOPLE or len(right) != len(passwords):
        raise BackupError(_n("Two different administrators are needed, each with their password."))
    return right
