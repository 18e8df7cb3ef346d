"""People and what they may do."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.management import call_command
from django.db.models.signals import post_migrate


def make_cache_table(using: str, **rest: object) -> None:
    """Make the table where failed tries are counted, where there is none yet."""
    call_command("createcachetable", database=using, verbosity=0)


class AccountsConfig(AppConfig):
    name = "aggportal.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect what follows sign-ins: their record, and the clocks of a session."""
        # Their receivers register on import.
        from aggportal.accounts import checks, confirming, sessions, signals  # noqa: F401
        from aggportal.accounts.provider_people import require_sound_settings

        require_sound_settings()
        post_migrate.connect(make_cache_table, sender=self)
