"""Put a backup back."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.backups.archive import Opener
from aggportal.backups.locks import passphrase_in, unlock_by_key, unlock_by_passphrase
from aggportal.backups.restoring import Restored, restore_backup
from aggportal.web.actors import system_actor
from aggportal.words import RefusedError


class Command(BaseCommand):
    """Into an empty installation; nothing is signed until the ledger is compared."""

    help = "Restore a backup into an empty installation, and check its ledger."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--passphrase-file", type=Path, metavar="FILE")
        parser.add_argument(
            "--key", type=Path, metavar="KEY", help="a recipient's private key, PEM"
        )
        parser.add_argument(
            "--compare-with",
            type=Path,
            metavar="ANCHOR",
            help="checkpoints that were anchored outside the database, as for ledger_verify",
        )

    def handle(
        self,
        *args: object,
        file: Path,
        passphrase_file: Path | None,
        key: Path | None,
        compare_with: Path | None,
        **options: object,
    ) -> None:
        try:
            open_key = _opener(passphrase_file, key)
            restored = restore_backup(
                file, open_key=open_key, by=system_actor("restore"), now=timezone.now()
            )
        except (RefusedError, ValueError, OSError) as exc:
            raise CommandError(str(exc)) from exc
        self._tell(restored)
        if compare_with is not None:
            call_command("ledger_verify", against=[compare_with], stdout=self.stdout)

    def _tell(self, restored: Restored) -> None:
        manifest = restored.manifest
        counted = ", ".join(f"{name} {count}" for name, count in manifest["counts"].items())
        self.stdout.write(f"Restored the backup of {manifest['taken_at']}: {counted}.")
        if restored.other_kek:
            self.stdout.write(
                "The key-encryption key of the backup is not here: no stored key opens until it is."
            )
        if restored.chain.broken_at is not None:
            raise CommandError(
                f"The ledger in it does not hold: entry {restored.chain.broken_at} was changed, "
                "moved or removed. Nothing is signed; take another backup."
            )
        self.stdout.write(
            "Its ledger holds. Nothing is signed until `manage.py ledger_verify --against ANCHOR` "
            "shows that nothing that was anchored is missing."
        )


def _opener(passphrase_file: Path | None, key: Path | None) -> Opener:
    if (passphrase_file is None) == (key is None):
        raise ValueError("Name --passphrase-file or --key, one of them.")
    if passphrase_file is not None:
        passphrase = passphrase_in(passphrase_file)
        return lambda locks: unlock_by_passphrase(locks, passphrase)
    assert key is not None  # noqa: S101 -- one of the two is given
    private = load_pem_private_key(key.read_bytes(), password=None)
    return lambda locks: unlock_by_key(locks, private)
