"""`manage.py rotate_kek`: put everything under a new key-encryption key while the portal works."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from aggportal.vault import handing, rotating
from aggportal.vault.configured import provider
from aggportal.vault.errors import VaultError
from aggportal.web.actors import system_actor
from aggportal.web.hardening import harden_process

_GRACE = 60.0


class Command(BaseCommand):
    """May be killed at any moment and said again: it goes on from where it was."""

    help = (
        "Exchange the key-encryption key. Running processes see the new one by themselves; the "
        "old one is dropped when nothing is under it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="store_true", help="only count what is under which")
        parser.add_argument(
            "--grace",
            type=float,
            default=_GRACE,
            help="seconds that the old key stays at least, longer than any request takes",
        )
        parser.add_argument(
            "--stdin",
            action="store_true",
            help="read the new key's passphrase from standard input, where keys lie under one",
        )

    def handle(self, *args: object, **options: object) -> None:
        harden_process()
        try:
            if options["status"]:
                self._status()
            else:
                self._rotate(float(str(options["grace"])), is_piped=bool(options["stdin"]))
        except VaultError as refused:
            raise CommandError(str(refused)) from refused

    def _rotate(self, grace: float, *, is_piped: bool) -> None:
        begins = not handing.is_rotating() and not handing.has_previous()
        passphrase = ""
        if handing.is_under_passphrase() and begins:
            passphrase = _new_passphrase(is_piped=is_piped)
        done = rotating.rotate(
            by=system_actor("rotate_kek"),
            grace=grace,
            passphrase=passphrase,
            say=self.stdout.write,
        )
        self.stdout.write(f"rotated: {done.rewrapped} wrapped anew, the old key is dropped")

    def _status(self) -> None:
        ring = provider()
        self.stdout.write(f"wraps: {ring.kek_id}")
        self.stdout.write(f"opens: {', '.join(sorted(ring.kek_ids))}")
        for table, found in rotating.counts().items():
            for kek_id, number in sorted(found.items()):
                self.stdout.write(f"{table} {kek_id} {number}")
        self.stdout.write(f"under other keys: {rotating.under_other_keys(ring)}")


def _new_passphrase(*, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Passphrase of the new key (it may be the old one): ")
    if getpass.getpass("Once more: ") != first:
        raise CommandError("The two differ. Nothing was done.")
    return first
