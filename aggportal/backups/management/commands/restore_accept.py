"""Accept that a restored backup lacks something."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.backups.accepting import accept_with_two
from aggportal.ledger.offline import BadNote, notes_in
from aggportal.words import RefusedError


class Command(BaseCommand):
    """Two administrators type their passwords; where there is no terminal, one a line."""

    help = "Go on with a restored backup though anchored entries are missing (two administrators)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--against", type=Path, required=True, metavar="ANCHOR")
        parser.add_argument("--administrator", action="append", required=True, metavar="NAME")
        parser.add_argument("--reason", required=True)

    def handle(
        self,
        *args: object,
        against: Path,
        administrator: list[str],
        reason: str,
        **options: object,
    ) -> None:
        passwords = {name: _password(name) for name in administrator}
        try:
            loss = accept_with_two(
                notes_in(against.read_text("utf-8")),
                passwords=passwords,
                reason=reason,
                now=timezone.now(),
            )
        except (RefusedError, BadNote, OSError, UnicodeDecodeError) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(
            f"Entries {loss.first} to {loss.last} are accepted as lost; signing goes on. "
            "Begin a new file of anchors: the old one tells of what is gone."
        )


def _password(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {name}: ")
    return sys.stdin.readline().rstrip("\n")
