"""Imported by Python at its start: lets a test set the clock that a portal's processes read.

AGGPORTAL_TEST_CLOCK names a file; the seconds in it are added to Django's clock.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from django.utils import timezone

_ADDED = Path(os.environ["AGGPORTAL_TEST_CLOCK"])


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=float(_ADDED.read_text()))


timezone.now = _now
