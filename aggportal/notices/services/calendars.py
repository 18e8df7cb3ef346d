"""A person's feed for calendars: made, ended, and written (RFC 5545).

The token is part of the address, since calendars can send nothing else. Only its SHA-256 is
stored, it opens nothing but the feed, and the person's role is asked at each fetch.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, has_role
from aggportal.ledger.services import record
from aggportal.notices.errors import NoFeed
from aggportal.notices.models import CalendarFeed, SubjectKind
from aggportal.notices.services.coming import Coming, coming
from aggportal.notices.wording import address_of, one_line
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n

# A calendar with more is of no use to anybody; the soonest are in it.
MOST_EVENTS = 1000
MOST_ALARMS = 4
REFRESH = dt.timedelta(hours=6)
_SEEN_EVERY = dt.timedelta(hours=1)
_SUMMARY = {
    SubjectKind.CERTIFICATE: _n("Certificate %(name)s ends"),
    SubjectKind.AUTHORITY: _n("Authority %(name)s ends"),
    SubjectKind.LIST: _n("Revocation list of %(name)s ends"),
}


@transaction.atomic
def make_feed(user: User, *, by: Actor, now: dt.datetime) -> str:
    """Give `user` a feed, ending the one before, and return its token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    CalendarFeed.objects.update_or_create(
        user=user,
        defaults={"token_sha256": _hashed(token), "made_at": now, "fetched_at": None},
    )
    record("calendar.made", actor=by, subject=("user", user.pk, user.username), at=now)
    return token


@transaction.atomic
def end_feed(user: User, *, by: Actor, now: dt.datetime) -> None:
    """End the person's feed: its address answers no more. Raises NoFeed."""
    if not CalendarFeed.objects.filter(user=user).delete()[0]:
        raise NoFeed(_n("There is no feed to end."))
    record("calendar.ended", actor=by, subject=("user", user.pk, user.username), at=now)


def require_feed(token: str, *, now: dt.datetime) -> CalendarFeed:
    """Return the feed of `token`. Raises NoFeed, also when its person may not read any more."""
    found = CalendarFeed.objects.select_related("user").filter(token_sha256=_hashed(token)).first()
    if found is None or found.user.must_change_password or not has_role(found.user, Role.VIEWER):
        raise NoFeed(_n("There is no such calendar."))
    unseen = Q(fetched_at=None) | Q(fetched_at__lt=now - _SEEN_EVERY)
    CalendarFeed.objects.filter(unseen, pk=found.pk).update(fetched_at=now)
    return found


def write_calendar(*, now: dt.datetime) -> bytes:
    """Return the calendar of all ends to come; the same bytes while nothing changes."""
    calendar = Calendar()
    calendar.add("prodid", "-//AggPortal//Notices//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.calendar_name = _("AggPortal: what ends")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for each in coming(now=now, limit=MOST_EVENTS):
        calendar.add_component(_event(each))
    written: bytes = calendar.to_ical()
    return written


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _event(each: Coming) -> Event:
    subject = each.subject
    summary = _(_SUMMARY[subject.kind]) % {"name": one_line(subject.label)}
    event = Event()
    event.add("uid", f"{subject.kind}-{subject.identity}@aggportal")
    # Not the present time: what does not change is written the same each time.
    event.add("dtstamp", subject.begins.astimezone(dt.UTC))
    event.add("dtstart", subject.ends.astimezone(dt.UTC))
    event.add("summary", summary)
    event.add("description", f"{summary}.\n{address_of(each.path)}")
    if settings.PUBLIC_URL:
        event.add("url", address_of(each.path))
    event.add("transp", "TRANSPARENT")
    event.add("categories", [str(subject.kind.label)])
    wide = sorted((s.before for s in subject.stages if s.before and each.enabled), reverse=True)
    for before in wide[:MOST_ALARMS]:
        event.add_component(_alarm(summary, before))
    return event


def _alarm(summary: str, before: dt.timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", -before)
    return alarm
