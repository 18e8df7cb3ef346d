"""Looking and sending beside the worker's round: neither a million certificates nor a slow mail
server must cost the worker its lease.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, connection

from aggportal.notices.services.delivering import deliver_due
from aggportal.notices.services.finding_notices import notice_findings
from aggportal.notices.services.noticing import forget_old_notices, notice_what_is_due

log = logging.getLogger("aggportal.notices")


Deed = Callable[[], object]


class Courier:
    """Does one deed at a time; who calls while it is out need not call again."""

    def __init__(self, deed: Deed) -> None:
        self._deed = deed
        self._lock = threading.Lock()
        self._way: threading.Thread | None = None

    def go(self) -> None:
        """Do the deed in a thread of its own, unless one is under way."""
        with self._lock:
            if self._way is not None and self._way.is_alive():
                return
            self._way = threading.Thread(target=self._do, daemon=True, name="aggportal-courier")
            self._way.start()

    def _do(self) -> None:
        try:
            while self._deed():
                pass
        except DatabaseError as exc:
            log.warning("notices: %s", exc)
        finally:
            connection.close()


def go_round(*, now: dt.datetime) -> tuple[int, int]:
    """Notice and deliver once, here and now. Returns how many notices, how many deliveries."""
    noticed = len(notice_what_is_due(now=now)) + len(notice_findings(now=now))
    forget_old_notices(now=now)
    return noticed, deliver_due()
