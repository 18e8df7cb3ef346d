"""The audit record."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

GUARDS = "ledger.guards"


class LedgerConfig(AppConfig):
    name = "aggportal.ledger"
    label = "ledger"

    def ready(self) -> None:
        post_migrate.connect(_ensure_guards, sender=self, dispatch_uid=GUARDS)


def _ensure_guards(*, using: str, **_rest: Any) -> None:
    """Put back the triggers where a migration made a table anew."""
    from aggportal.ledger.guards import ensure_guards

    ensure_guards(connections[using])
