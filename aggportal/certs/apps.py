"""The certs app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class CertsConfig(AppConfig):
    name = "aggportal.certs"
    label = "certs"

    def ready(self) -> None:
        post_migrate.connect(_ensure_text_index, sender=self)


def _ensure_text_index(*, using: str, **_rest: Any) -> None:
    """Put back what finding needs, where a migration made the table of certificates anew."""
    from aggportal.certs.text_search import ensure_index

    ensure_index(connections[using])
