"""Say that the clock is right."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.ledger.clock import confirm_clock
from aggportal.vault.errors import NoKey
from aggportal.web.actors import system_actor


class Command(BaseCommand):
    """For when signing is refused since the clock jumped, and a person looked at a second clock."""

    help = "Mark the present time as right after the clock was set; recorded in the ledger."

    def handle(self, *args: object, **options: object) -> None:
        now = timezone.now()
        try:
            confirm_clock(by=system_actor("confirm_clock"), now=now)
        except NoKey as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(f"The clock counts as right: {now:%Y-%m-%d %H:%M:%S} UTC.")
