"""Print the key that checks checkpoints."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from aggportal.ledger import keys
from aggportal.vault.errors import NoKey


class Command(BaseCommand):
    """It is public: keep it where those who check the ledger find it, and nobody else writes."""

    help = "Print the public key by which the ledger's checkpoints are checked."

    def handle(self, *args: object, **options: object) -> None:
        try:
            self.stdout.write(keys.ledger_key().verifier)
        except NoKey as exc:
            raise CommandError(str(exc)) from exc
