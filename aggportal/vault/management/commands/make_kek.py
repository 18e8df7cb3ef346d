"""Make the key-encryption key of a new installation."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand

from aggportal.vault.providers import make_key_file


class Command(BaseCommand):
    """Writes a new key with mode 0600 where AGGPORTAL_KEK_FILE says, and never overwrites one."""

    help = "Make the key-encryption key (AGGPORTAL_KEK_FILE), unless there is one already."

    def handle(self, *args: object, **options: object) -> None:
        if settings.KEK:
            self.stdout.write("The key-encryption key comes from AGGPORTAL_KEK.")
        elif make_key_file(settings.KEK_FILE):
            self.stdout.write(
                f"Made the key-encryption key {settings.KEK_FILE}. Back it up apart from the "
                f"database:\n"
                "without it no private key and no cluster credential opens again."
            )
