"""People and what they may do."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "aggportal.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect the recording of sign-ins."""
        from aggportal.accounts import signals  # noqa: F401  # its receivers register on import
