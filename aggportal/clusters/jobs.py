"""Periodic work on clusters."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from aggportal.clusters.models import Silence, Transition
from aggportal.clusters.services.drafts import drop_expired_drafts
from aggportal.clusters.services.examining import Examiner
from aggportal.clusters.services.findings import forget_old_findings
from aggportal.clusters.services.rotation_watch import RotationWatcher
from aggportal.web.periodic import periodic

EXAMINER = Examiner()
WATCHER = RotationWatcher()


@periodic("clusters.drop_drafts", every=dt.timedelta(minutes=1))
def _drop_drafts(now: dt.datetime) -> None:
    drop_expired_drafts(now=now)


@periodic("clusters.trim_history", every=dt.timedelta(hours=6))
def _trim_history(now: dt.datetime) -> None:
    before = now - dt.timedelta(days=settings.HISTORY_DAYS)
    Transition.objects.filter(at__lt=before).delete()
    Silence.objects.filter(ended__lt=before).delete()
    forget_old_findings(before=before)


@periodic("clusters.examine", every=dt.timedelta(seconds=1))
def _examine(now: dt.datetime) -> None:
    """Begin the examinations that are due, beside the round."""
    EXAMINER.go(now=now)


@periodic("clusters.rotate", every=dt.timedelta(seconds=1))
def _rotate(now: dt.datetime) -> None:
    """Look for the proofs of open rotations, beside the round."""
    WATCHER.go(now=now)
