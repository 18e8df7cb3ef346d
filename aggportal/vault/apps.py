"""Secrets at rest."""

from __future__ import annotations

from django.apps import AppConfig

from aggportal.web import health


class VaultConfig(AppConfig):
    name = "aggportal.vault"
    label = "vault"

    def ready(self) -> None:
        from aggportal.vault import checks  # noqa: F401 -- registers the checks
        from aggportal.vault.state import signing_word

        health.TOLD["signing"] = signing_word
