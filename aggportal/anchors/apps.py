"""Checkpoints of the ledger, kept where the database's owner cannot rewrite them."""

from __future__ import annotations

from django.apps import AppConfig


class AnchorsConfig(AppConfig):
    name = "aggportal.anchors"
    label = "anchors"

    def ready(self) -> None:
        from aggportal.anchors import checks  # noqa: F401 -- registers the checks
