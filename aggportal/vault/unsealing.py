"""Unsealing: somebody says the passphrase, the ledger has it, and every process of this machine
finds the key.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping

from django.db import transaction

from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.vault import handing
from aggportal.vault.errors import NoKey, VaultError
from aggportal.vault.passphrases import WrongPassphrase
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop

# A guess takes memory and a second on purpose: one at a time, or many at once would take it all.
_ONE_AT_A_TIME = threading.Lock()


class NoPassphrase(NoKey):
    """The key of this installation is under no passphrase."""

    code = "no_passphrase"
    status = 409


class BusyUnsealing(VaultError):
    """Somebody else is unsealing at this moment."""

    code = "busy_unsealing"


def unseal_portal(passphrase: str, *, by: Actor, now: dt.datetime) -> handing.Unsealed:
    """Open the key by its passphrase and hand it to the portal's processes, once the ledger has it.

    Raises WrongPassphrase (the ledger has that too), NoPassphrase, NoKey, BusyUnsealing.
    """
    if not handing.is_under_passphrase():
        raise NoPassphrase(
            gettext_noop(
                "The key of this portal is under no passphrase (AGGPORTAL_KEY_PROVIDER), so there "
                "is nothing to unseal."
            )
        )
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise BusyUnsealing(
            gettext_noop("Somebody else is unsealing the portal at this moment. Look again soon.")
        )
    try:
        told, opened = handing.open_keys(passphrase)
    except WrongPassphrase:
        _record(Outcome.FAILED, "", {"why": "wrong passphrase"}, by=by, now=now)
        raise
    finally:
        _ONE_AT_A_TIME.release()
    with transaction.atomic():
        detail = {"keys": list(told.kek_ids), "still_sealed": list(told.still_sealed)}
        _record(Outcome.DONE, told.kek_ids[0], detail, by=by, now=now)
    handing.hand_over(opened)
    return told


def seal_portal(*, by: Actor, now: dt.datetime) -> None:
    """Take the unsealed key away from all processes of this machine. Raises NoPassphrase."""
    if not handing.is_under_passphrase():
        raise NoPassphrase(
            gettext_noop(
                "The key of this portal is under no passphrase, so it cannot be sealed. To stop "
                "signing, stop the portal and take its key file away."
            )
        )
    handing.seal_again()  # sealed even where the ledger cannot be written
    record("keys.sealed", actor=by, subject=("key", "", "key-encryption key"), at=now)


def _record(
    outcome: Outcome, kek_id: str, detail: Mapping[str, object], *, by: Actor, now: dt.datetime
) -> None:
    record(
        "keys.unsealed",
        actor=by,
        subject=("key", kek_id, "key-encryption key"),
        outcome=outcome,
        detail=detail,
        at=now,
    )
