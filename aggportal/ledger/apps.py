"""The audit record."""

from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "aggportal.ledger"
    label = "ledger"
