"""Periodic work on clusters."""

from __future__ import annotations

import datetime as dt

from aggportal.clusters.models import Transition
from aggportal.clusters.services.drafts import drop_expired_drafts
from aggportal.web.periodic import periodic

HISTORY = dt.timedelta(days=90)


@periodic("clusters.drop_drafts", every=dt.timedelta(minutes=1))
def _drop_drafts(now: dt.datetime) -> None:
    drop_expired_drafts(now=now)


@periodic("clusters.trim_history", every=dt.timedelta(hours=6))
def _trim_history(now: dt.datetime) -> None:
    Transition.objects.filter(at__lt=now - HISTORY).delete()
