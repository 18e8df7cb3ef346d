"""Secrets at rest."""

from __future__ import annotations

from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "aggportal.vault"
    label = "vault"
