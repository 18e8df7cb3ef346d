"""People and what they may do."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "aggportal.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect what follows sign-ins: their record, and the clocks of a session."""
        # Their receivers register on import.
        from aggportal.accounts import confirming, sessions, signals  # noqa: F401
        from aggportal.accounts.provider_people import require_sound_settings

        require_sound_settings()
