"""Write the ledger as JSON lines."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from aggportal.ledger.export import json_lines


class Command(BaseCommand):
    """The same bytes for the same entries; `offline.py` checks them without the portal."""

    help = "Write entries as JSON lines, the newest checkpoint last."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=int, default=1, metavar="SEQ")
        parser.add_argument("--to", dest="last", type=int, default=None, metavar="SEQ")

    def handle(self, *args: object, first: int, last: int | None, **options: object) -> None:
        for line in json_lines(first=first, last=last):
            self.stdout.write(line, ending="")
