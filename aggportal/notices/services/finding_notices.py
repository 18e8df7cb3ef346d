"""Noticing what the doctor finds: once, when it appears or becomes worse."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from aggportal.clusters.models import Finding, Harm
from aggportal.notices.models import Channel, Item, Notice, SubjectKind

# What one round notices at most; the next one goes on.
ROUND = 200
# What comes and goes is told of no more often than this.
REST = dt.timedelta(hours=1)


def notice_findings(*, now: dt.datetime, limit: int = ROUND) -> list[Notice]:
    """Write a notice for each grave finding that counts, and queue it for the channels that carry
    findings. Returns those that this call wrote.
    """
    due = list(due_findings(now=now)[:limit])
    if not due:
        return []
    with transaction.atomic():
        written = [_write(finding, now=now) for finding in due]
        notices = [notice for notice in written if notice is not None]
        channels = list(Channel.objects.filter(enabled=True, findings=True))
        Item.objects.bulk_create(
            Item(notice=notice, channel=channel) for notice in notices for channel in channels
        )
    return notices


def due_findings(*, now: dt.datetime) -> QuerySet[Finding]:
    """Grave ones that nobody muted and that were not told of, nor as bad before they came back."""
    said = Notice.objects.filter(kind=SubjectKind.FINDING, stage__lte=OuterRef("harm"))
    of_it = said.filter(finding=OuterRef("pk"))
    lately = said.filter(
        at__gt=now - REST,
        finding__cluster=OuterRef("cluster"),
        finding__code=OuterRef("code"),
        finding__subject=OuterRef("subject"),
    )
    grave = Finding.objects.loud(now=now).filter(harm__lte=Harm.ERROR, unchecked_since=None)
    fresh = grave.filter(~Exists(of_it), ~Exists(lately))
    return fresh.select_related("cluster").order_by(F("harm"), "pk")


def _write(finding: Finding, *, now: dt.datetime) -> Notice | None:
    """Write one notice; None when somebody was first."""
    try:
        with transaction.atomic():
            return Notice.objects.create(
                kind=SubjectKind.FINDING,
                subject_id=finding.pk,
                ends_at=finding.first_seen,
                stage=finding.harm,
                at=now,
                label=f"{finding.cluster.name}: {finding}"[:300],
                finding=finding,
            )
    except IntegrityError:
        return None
