"""Make the keys of a new installation that live outside its database."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aggportal.vault.errors import VaultError
from aggportal.vault.handing import is_under_passphrase, make_first_key
from aggportal.vault.keyfiles import make_key_file


class Command(BaseCommand):
    """Writes new keys with mode 0600 where the settings say, and never overwrites one."""

    help = "Make the key-encryption key and the ledger's key, unless they are there already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--stdin",
            action="store_true",
            help="read the passphrase from standard input, where the key lies under one",
        )

    def handle(self, *args: object, **options: object) -> None:
        if is_under_passphrase():
            self._make_under_passphrase(is_piped=bool(options["stdin"]))
        else:
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

    def _make_under_passphrase(self, *, is_piped: bool) -> None:
        path = settings.PASSPHRASE_FILE
        if path.exists():
            return
        if not is_piped and not sys.stdin.isatty():
            raise CommandError(
                "The key-encryption key is to lie under a passphrase. Say `manage.py make_keys` "
                "on a terminal, or with --stdin."
            )
        try:
            make_first_key(_typed(is_piped=is_piped))
        except VaultError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(
            f"Made the key-encryption key under a passphrase, {path}. Back it up apart from the\n"
            "database, and keep the passphrase elsewhere: without both nothing opens again."
        )


def _typed(*, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("New passphrase: ")
    if getpass.getpass("Once more: ") != first:
        raise CommandError("The two differ. Nothing was made.")
    return first
