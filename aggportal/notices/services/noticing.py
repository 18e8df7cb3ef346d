"""Noticing what is due, once, and handing it to the channels. Safe when several do it at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q

from aggportal.notices.deciding import Stage, due_stage
from aggportal.notices.models import Channel, Item, Notice, SubjectKind
from aggportal.notices.services.ending import candidates
from aggportal.notices.services.rules import RuleBook, read_rules
from aggportal.notices.subjects import Subject

# What one round notices at most; the next one goes on. It keeps a round short.
ROUND = 200
KEPT = dt.timedelta(days=180)

Key = tuple[str, int, dt.datetime]


def notice_what_is_due(*, now: dt.datetime, limit: int = ROUND) -> list[Notice]:
    """Write a notice for each threshold that is reached, and queue it for the channels.

    Returns those that this call wrote. The unique row decides between two that do it at once.
    """
    book = read_rules()
    due = _due(candidates(book, now=now, limit=limit), now=now)
    if not due:
        return []
    with transaction.atomic():
        channels = list(Channel.objects.filter(enabled=True))
        written = [_write(subject, stage, now=now) for subject, stage in due[:limit]]
        notices = [notice for notice in written if notice is not None]
        _queue(notices, channels, book)
    return notices


def forget_old_notices(*, now: dt.datetime) -> None:
    """Drop what was said of things that ended long ago; nothing looks back that far."""
    over = Q(finding=None) | Q(finding__resolved_at__isnull=False)
    Notice.objects.filter(over, ends_at__lt=now - KEPT).delete()


def _due(subjects: Sequence[Subject], *, now: dt.datetime) -> list[tuple[Subject, Stage]]:
    """The subjects with the threshold that is due, in an order that is the same for everybody."""
    said = _said(subjects)
    found = []
    for subject in sorted(subjects, key=_key):
        noticed = said.get(_key(subject), ())
        stage = due_stage(subject.ends, subject.stages, noticed=noticed, now=now)
        if stage is not None:
            found.append((subject, stage))
    return found


def _key(subject: Subject) -> Key:
    return (subject.kind, subject.pk, subject.ends)


def _said(subjects: Iterable[Subject]) -> Mapping[Key, Sequence[int]]:
    """The codes that were noticed of each subject with its present end."""
    ids: dict[SubjectKind, list[int]] = {}
    for subject in subjects:
        ids.setdefault(subject.kind, []).append(subject.pk)
    said: dict[Key, list[int]] = {}
    for kind, pks in ids.items():
        rows = Notice.objects.filter(kind=kind, subject_id__in=pks)
        for pk, ends, code in rows.values_list("subject_id", "ends_at", "stage"):
            said.setdefault((kind, pk, ends), []).append(code)
    return said


def _write(subject: Subject, stage: Stage, *, now: dt.datetime) -> Notice | None:
    """Write one notice; None when somebody was first."""
    try:
        with transaction.atomic():
            return Notice.objects.create(
                kind=subject.kind,
                subject_id=subject.pk,
                ends_at=subject.ends,
                stage=stage.code,
                at=now,
                label=subject.label,
                authority_id=subject.authority_id,
                certificate_id=subject.certificate_id,
            )
    except IntegrityError:
        return None


def _queue(notices: Sequence[Notice], channels: Sequence[Channel], book: RuleBook) -> None:
    Item.objects.bulk_create(
        Item(notice=notice, channel=channel)
        for notice in notices
        for channel in channels
        if book.of(notice.authority_id).goes_through(channel.pk)
    )
