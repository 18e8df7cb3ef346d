"""`manage.py worker`: follow the clusters and do periodic work until SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from django.core.management.base import BaseCommand
from django.utils.module_loading import autodiscover_modules

from aggportal.clusters.jobs import EXAMINER, WATCHER
from aggportal.clusters.services.connections import egress_policy
from aggportal.clusters.services.working import Worker
from aggportal.web.hardening import harden_process


class Command(BaseCommand):
    """A thin door to the worker; of several that run, one leads and the others wait."""

    help = "Follow the clusters and do periodic work, until stopped."

    def handle(self, *args: object, **options: object) -> None:
        harden_process()
        egress_policy()  # a wrong setting stops the start, with words
        autodiscover_modules("jobs")
        worker = Worker()

        def stop(number: int, frame: FrameType | None) -> None:
            # The round may hold the event's lock at this very moment: set it from elsewhere.
            threading.Thread(target=worker.stop.set).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        worker.run()
        EXAMINER.stop()
        WATCHER.stop()
