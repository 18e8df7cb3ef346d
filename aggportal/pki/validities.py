"""From when until when: cfssl's rules for the dates of a certificate."""

from __future__ import annotations

import datetime as dt

from aggportal.pki.durations import parse_duration, parse_positive_duration
from aggportal.pki.errors import InvalidField
from aggportal.pki.plans import Validity
from aggportal.pki.profiles import Profile
from aggportal.words import gettext_noop as _n

BACKDATE = dt.timedelta(minutes=5)
# X.509 knows no earlier year (RFC 5280 section 4.1.2.5.1).
_FIRST = dt.datetime(1950, 1, 1, tzinfo=dt.UTC)


def not_before(now: dt.datetime, backdate: str, *, field: str) -> dt.datetime:
    """Round to the minute, half up, and go back, as cfssl does; a backdate of 0 is the default of
    five minutes.
    """
    utc = now.astimezone(dt.UTC)
    rounded = (utc + dt.timedelta(seconds=30)).replace(second=0, microsecond=0)
    return rounded - ((parse_duration(backdate, field=field) if backdate else None) or BACKDATE)


def profile_validity(profile: Profile, now: dt.datetime) -> Validity:
    begin = profile.not_before or not_before(now, profile.backdate, field="backdate")
    return checked_validity(
        begin, profile.not_after or not_after(begin, profile.expiry, field="expiry")
    )


def not_after(begin: dt.datetime, expiry: str, *, field: str) -> dt.datetime:
    try:
        return begin + parse_positive_duration(expiry, field=field)
    except OverflowError as error:
        raise InvalidField(
            _n("The certificate would end after the year 9999."), field=field
        ) from error


def cut_at(validity: Validity, end: dt.datetime) -> Validity:
    """End no later than `end`, which must leave a life: an expired issuer stays refused."""
    if not validity.not_before < end < validity.not_after:
        return validity
    return Validity(not_before=validity.not_before, not_after=end)


def checked_validity(begin: dt.datetime, end: dt.datetime) -> Validity:
    if end <= begin:
        raise InvalidField(_n("The certificate would end before it begins."), field="expiry")
    if begin < _FIRST:
        raise InvalidField(_n("A certificate cannot begin before 1950."), field="not_before")
    return Validity(
        not_before=begin.astimezone(dt.UTC).replace(microsecond=0),
        not_after=end.astimezone(dt.UTC).replace(microsecond=0),
    )
