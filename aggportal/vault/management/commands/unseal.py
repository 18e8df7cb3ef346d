"""`manage.py unseal`: say the passphrase of the portal's key."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.vault.errors import VaultError
from aggportal.vault.unsealing import unseal_portal
from aggportal.web.actors import system_actor
from aggportal.web.hardening import harden_process


class Command(BaseCommand):
    """A thin door to unsealing; the passphrase never stands on a command line."""

    help = "Open the portal's key by its passphrase, for all processes of this machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stdin", action="store_true", help="read the passphrase from standard input"
        )

    def handle(self, *args: object, **options: object) -> None:
        harden_process()
        passphrase = (
            sys.stdin.readline().rstrip("\n")
            if options["stdin"]
            else getpass.getpass("Passphrase: ")
        )
        try:
            told = unseal_portal(passphrase, by=system_actor("unseal"), now=timezone.now())
        except VaultError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"unsealed: {', '.join(told.kek_ids)}")
        for name in told.still_sealed:
            self.stdout.write(f"another passphrase is needed for {name}")
