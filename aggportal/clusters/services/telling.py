"""A deed in a cluster, told in the ledger before and after: what was meant, and how it went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from aggportal.accounts.rights import Role, Scope
from aggportal.accounts.roles import require_actor_role
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError

Subject = tuple[str, str, str]


class Teller:
    """Writes one deed into the ledger; `detail` stands in each entry, and holds no secret."""

    def __init__(
        self,
        action: str,
        subject: Subject,
        *,
        by: Actor,
        now: dt.datetime,
        on: Scope,
        detail: Mapping[str, object],
    ) -> None:
        self._action, self._subject, self._by, self._now = action, subject, by, now
        self._detail, self._on = dict(detail), on

    def intended(self) -> None:
        """Write the intent; nothing is written into a cluster without. Raises `PermissionDenied`
        for whom is no operator of the cluster `on`.
        """
        require_actor_role(self._by, Role.OPERATOR, on=self._on)
        self._write(Outcome.INTENDED, {})

    def done(self, **more: object) -> None:
        self._write(Outcome.DONE, more)

    def failed(self, error: RefusedError) -> None:
        self._write(Outcome.FAILED, {"error": str(error)[:500]})

    def _write(self, outcome: Outcome, more: Mapping[str, object]) -> None:
        record(
            self._action,
            actor=self._by,
            subject=self._subject,
            outcome=outcome,
            detail={**self._detail, **more},
            at=self._now,
        )


def apiservice(name: str) -> Subject:
    """How the ledger names an APIService."""
    return "apiservice", name[:64], name
