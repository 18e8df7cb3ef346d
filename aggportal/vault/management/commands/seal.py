"""`manage.py seal`: take the unsealed key away."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.vault.errors import VaultError
from aggportal.vault.unsealing import seal_portal
from aggportal.web.actors import system_actor


class Command(BaseCommand):
    """A thin door to sealing."""

    help = "Take the unsealed key away from all processes of this machine."

    def handle(self, *args: object, **options: object) -> None:
        try:
            seal_portal(by=system_actor("seal"), now=timezone.now())
        except VaultError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write("sealed")
