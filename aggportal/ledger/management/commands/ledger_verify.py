"""Check the whole ledger."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aggportal.ledger.keys import ledger_key
from aggportal.ledger.offline import BadNote, Note, notes_in
from aggportal.ledger.restored import (
    accepted_losses,
    find_loss,
    lost,
    pending_restoration,
    settle,
)
from aggportal.ledger.verifying import ChainState, compare_anchored, own_checkpoints, verify_chain
from aggportal.vault.errors import NoKey
from aggportal.web.actors import system_actor
from aggportal.words import RefusedError

CANNOT_TELL = 2


class Command(BaseCommand):
    """Exit 0 where everything fits, 1 where something was changed, 2 where it cannot be told."""

    help = "Recompute the ledger's chain, MACs and checkpoints, and compare it with anchored ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--against",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="checkpoints that were anchored outside the database; may be given several times",
        )

    def handle(self, *args: object, against: list[Path], **options: object) -> None:
        try:
            verifier = ledger_key().verifier
            anchored = [note for path in against for note in _notes_of(path)]
        except (NoKey, BadNote, OSError, UnicodeDecodeError) as exc:
            raise CommandError(f"It cannot be told: {exc}", returncode=CANNOT_TELL) from exc
        state = verify_chain()
        if state.broken_at is not None:
            raise CommandError(
                f"The ledger does not hold: entry {state.broken_at} was changed, moved or removed."
            )
        if state.size and state.keyed_from is None:
            raise CommandError(
                "The ledger does not hold: no entry has a MAC. Only right after an upgrade from a "
                "version without them is that so; the next deed puts it right."
            )
        self._settle(anchored, verifier)
        losses = [range(each.first, each.last + 1) for each in accepted_losses()]
        wrong = compare_anchored([*own_checkpoints(), *anchored], verifier=verifier, lost=losses)
        if wrong is not None:
            raise CommandError(f"The ledger does not hold: {wrong}")
        self.stdout.write(_summary(state, anchored))

    def _settle(self, anchored: list[Note], verifier: str) -> None:
        """After a restore: let signing go on if nothing that was anchored is missing."""
        restoration = pending_restoration()
        if restoration is None or not anchored:
            return
        try:
            newest, loss = find_loss(restoration, anchored, verifier=verifier)
            if loss is not None:
                raise lost(loss)
        except RefusedError as refused:
            raise CommandError(f"The restored ledger lacks something: {refused}") from refused
        settle(restoration, newest, by=system_actor("ledger_verify"), now=timezone.now())
        self.stdout.write("Nothing that was anchored is missing from the restored backup.")


def _notes_of(path: Path) -> list[Note]:
    return notes_in(path.read_text("utf-8"))


def _summary(state: ChainState, anchored: list[Note]) -> str:
    first = state.keyed_from or 1
    told = f"The ledger holds: {state.checked} entries, each fits the one before."
    if first > 1:
        told += f" Entries before {first} are older than the ledger's key and have no MAC."
    if anchored:
        told += f" It fits {len(anchored)} anchored checkpoints."
    return told
