"""What the worker does about notices."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from aggportal.notices.services.courier import Courier
from aggportal.notices.services.delivering import deliver_due
from aggportal.notices.services.finding_notices import notice_findings
from aggportal.notices.services.noticing import forget_old_notices, notice_what_is_due
from aggportal.web.periodic import periodic

_looking = Courier(lambda: notice_what_is_due(now=timezone.now()))
_sending = Courier(deliver_due)


@periodic("notices.notice", every=dt.timedelta(minutes=2))
def notice(now: dt.datetime) -> None:
    """Notice what has reached a threshold, beside the round."""
    _looking.go()


@periodic("notices.findings", every=dt.timedelta(seconds=20))
def notice_of_findings(now: dt.datetime) -> None:
    """Notice what the doctor found."""
    notice_findings(now=now)


@periodic("notices.deliver", every=dt.timedelta(seconds=5))
def deliver(now: dt.datetime) -> None:
    """Send what waits, beside the round."""
    _sending.go()


@periodic("notices.forget", every=dt.timedelta(hours=6))
def forget(now: dt.datetime) -> None:
    """Drop what was said of things that ended long ago."""
    forget_old_notices(now=now)
