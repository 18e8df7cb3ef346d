"""`manage.py notices`: notice and deliver by itself, where no `worker` runs, or once by hand."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.utils import timezone

from aggportal.clusters.services.connections import egress_policy
from aggportal.notices.services.courier import go_round

EVERY_SECONDS = 30.0


class Command(BaseCommand):
    """A thin door to the round of notices. Several may run, beside workers too."""

    help = "Warn of what is ending and send it, until stopped; `worker` does so as well."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take `--once`."""
        parser.add_argument("--once", action="store_true", help="Do it once and end.")

    def handle(self, *args: object, once: bool = False, **options: object) -> None:
        """Go round until told to stop."""
        egress_policy()  # a wrong setting stops the start, with words
        if once:
            self._round()
            return
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            threading.Thread(target=stop.set).start()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        while not stop.is_set():
            try:
                self._round()
            except DatabaseError as exc:
                self.stderr.write(f"The database does not answer: {exc}")
                connection.close()
            stop.wait(EVERY_SECONDS)

    def _round(self) -> None:
        noticed, delivered = go_round(now=timezone.now())
        self.stdout.write(f"{noticed} noticed, {delivered} delivered")
