"""What the worker does about sessions."""

from __future__ import annotations

import datetime as dt

from django.contrib.sessions.models import Session

from aggportal.web.periodic import periodic


@periodic("accounts.forget_sessions", every=dt.timedelta(hours=1))
def forget_sessions(now: dt.datetime) -> None:
    """Drop sessions that are over; those that nobody asks for any more end here."""
    Session.objects.filter(expire_date__lt=now).delete()
