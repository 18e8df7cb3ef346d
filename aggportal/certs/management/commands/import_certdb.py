"""`manage.py import_certdb FILE`: bring in a whole certdb of cfssl's, however large."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.certs.services.importing_certdb import import_certdb
from aggportal.pki.certdb import NotACertdb
from aggportal.web.actors import system_actor


class Command(BaseCommand):
    """A thin door to the importer: counts on stdout, rows that did not come in on stderr."""

    help = "Import the certificates and revocations of a certdb (SQLite file) of cfssl's."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: object, **options: object) -> None:
        path = options["file"]
        try:
            result = import_certdb(
                Path(str(path)), by=system_actor("import_certdb"), now=timezone.now()
            )
        except (NotACertdb, OSError) as refused:
            raise CommandError(str(refused)) from refused
        for one in result.told:
            self.stderr.write(f"{one.serial}: {one.sentence}")
        if result.broke_off:
            self.stderr.write(str(result.broke_off))
        self.stdout.write(
            f"imported {result.imported} (revoked {result.revoked}, under authorities of ours "
            f"{result.under_ours}), already here {result.already}, refused {result.unread}"
        )
