"""Make a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from cryptography import x509
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.backups.locks import passphrase_in
from aggportal.backups.taking import take_backup
from aggportal.web.actors import system_actor
from aggportal.words import RefusedError


class Command(BaseCommand):
    """While the portal runs; encrypted; without any key that lives outside the database."""

    help = "Write an encrypted backup of the database; the keys are backed up apart from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="FILE")
        parser.add_argument("--passphrase-file", type=Path, metavar="FILE")
        parser.add_argument(
            "--recipient",
            type=Path,
            action="append",
            default=[],
            metavar="CERTIFICATE",
            help="PEM certificate (RSA or EC) whose key opens the backup; may be given again",
        )

    def handle(
        self,
        *args: object,
        out: Path,
        passphrase_file: Path | None,
        recipient: list[Path],
        **options: object,
    ) -> None:
        try:
            made = take_backup(
                out,
                passphrase=passphrase_in(passphrase_file) if passphrase_file else None,
                recipients=[
                    x509.load_pem_x509_certificate(path.read_bytes()) for path in recipient
                ],
                by=system_actor("backup"),
                now=timezone.now(),
            )
        except (RefusedError, ValueError, OSError) as exc:
            raise CommandError(str(exc)) from exc
        counted = ", ".join(f"{table} {count}" for table, count in made.counts.items())
        self.stdout.write(
            f"{out}: {made.size} bytes, SHA-256 {made.sha256}\n{counted}\n"
            "The key-encryption key and the ledger's key are not in it: back them up apart."
        )
