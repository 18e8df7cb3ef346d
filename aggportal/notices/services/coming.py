"""What ends next, and when it will be noticed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from aggportal.notices.services.ending import (
    standing_authorities,
    standing_certificates,
    standing_lists,
    subject_of_authority,
    subject_of_certificate,
    subject_of_list,
)
from aggportal.notices.services.rules import read_rules
from aggportal.notices.subjects import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class Coming:
    """A subject with the way to its page, and when it is noticed next: None when it is not."""

    subject: Subject
    path: str
    enabled: bool

    def next_notice(self, *, now: dt.datetime) -> dt.datetime | None:
        """Return when the next threshold is reached."""
        moments = [self.subject.ends - stage.before for stage in self.subject.stages]
        later = [moment for moment in moments if moment > now]
        return min(later) if later and self.enabled else None


def coming(*, now: dt.datetime, limit: int, lists: bool = True) -> list[Coming]:
    """Return what has not ended yet, soonest first, at most `limit`."""
    book, found = read_rules(), list[Coming]()
    rows = standing_certificates(now=now).filter(not_after__gte=now).order_by("not_after", "pk")
    for row in rows[:limit]:
        rules = book.of(row.authority_id)
        subject = subject_of_certificate(row, rules)
        found.append(Coming(subject=subject, path=row.get_absolute_url(), enabled=rules.enabled))
    for authority in standing_authorities(now=now).filter(not_after__gte=now):
        rules = book.of(authority.pk)
        subject = subject_of_authority(authority, rules)
        path = authority.get_absolute_url()
        found.append(Coming(subject=subject, path=path, enabled=rules.enabled))
    for newest in standing_lists(now=now).filter(next_update__gte=now) if lists else ():
        rules = book.of(newest.authority_id)
        path, watched = newest.authority.get_absolute_url(), rules.enabled and rules.lists
        found.append(Coming(subject=subject_of_list(newest), path=path, enabled=watched))
    return sorted(found, key=lambda each: (each.subject.ends, each.subject.kind))[:limit]


def soonest(*, now: dt.datetime, limit: int = 10) -> list[tuple[Coming, dt.datetime | None]]:
    """Return what ends next without lists, which are published anew by themselves, each with when
    it is noticed next.
    """
    found = coming(now=now, limit=limit, lists=False)
    return [(each, each.next_notice(now=now)) for each in found]
