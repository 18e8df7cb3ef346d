"""Check the whole ledger."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from aggportal.ledger.services import verify_chain


class Command(BaseCommand):
    """Exit 0 where every entry fits the one before and the head fits the last."""

    help = "Recompute the hash chain of the ledger from its first entry."

    def handle(self, *args: object, **options: object) -> None:
        state = verify_chain()
        if state.broken_at is not None:
            raise CommandError(
                f"The ledger does not hold: entry {state.broken_at} was changed, moved or removed."
            )
        self.stdout.write(f"The ledger holds: {state.checked} entries, each fits the one before.")
