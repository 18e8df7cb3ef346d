"""Sending beside the worker's round: a slow mail server must not cost the worker its lease."""

from __future__ import annotations

import datetime as dt
import logging
import threading

from django.db import DatabaseError, connection

from aggportal.notices.services.delivering import deliver_due
from aggportal.notices.services.finding_notices import notice_findings
from aggportal.notices.services.noticing import forget_old_notices, notice_what_is_due

log = logging.getLogger("aggportal.notices")


class Courier:
    """Goes one way at a time; who calls while it is out need not call again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._way: threading.Thread | None = None

    def go(self) -> None:
        """Deliver what is due in a thread of its own, unless one is under way."""
        with self._lock:
            if self._way is not None and self._way.is_alive():
                return
            self._way = threading.Thread(target=_deliver, daemon=True, name="aggportal-courier")
            self._way.start()


def _deliver() -> None:
    try:
        while deliver_due():
            pass
    except DatabaseError as exc:
        log.warning("delivering notices: %s", exc)
    finally:
        connection.close()


def go_round(*, now: dt.datetime) -> tuple[int, int]:
    """Notice and deliver once, here and now. Returns how many notices, how many deliveries."""
    noticed = len(notice_what_is_due(now=now)) + len(notice_findings(now=now))
    forget_old_notices(now=now)
    return noticed, deliver_due()
