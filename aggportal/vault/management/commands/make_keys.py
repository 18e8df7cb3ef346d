"""Make the keys of a new installation that live outside its database."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from aggportal.vault.keyfiles import make_key_file


class Command(BaseCommand):
    """Writes new keys with mode 0600 where the settings say, and never overwrites one."""

    help = "Make the key-encryption key and the ledger's key, unless they are there already."

    def handle(self, *args: object, **options: object) -> None:
        self._make(
            settings.KEK,
            settings.KEK_FILE,
            name="key-encryption key",
            without="no private key and no cluster credential opens again",
        )
        self._make(
            settings.LEDGER_KEY,
            settings.LEDGER_KEY_FILE,
            name="ledger's key",
            without="nothing can be recorded, and so nothing done",
        )

    def _make(self, text: str, path: Path, *, name: str, without: str) -> None:
        if text:
            self.stdout.write(f"The {name} comes from the environment.")
        elif make_key_file(path):
            self.stdout.write(
                f"Made the {name} {path}. Back it up apart from the database:\n"
                f"without it {without}."
            )
