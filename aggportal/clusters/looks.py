"""How things of a cluster look in words: the TLS column, the time that has gone by.

A page shows four hundred rows, so what a word costs is paid once.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from aggportal.clusters.models import Tls, WatchedAPIService
from aggportal.clusters.models.apiservices import CARE_DAYS
from aggportal.web.sentences import visible
from aggportal.web.templatetags.portal import relative


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsLook:
    """The TLS column: a word, how it looks (`css` empty: plain), what is known, when it ends."""

    word: str
    css: str = ""
    detail: str = ""
    ends: dt.datetime | None = None
    ends_text: str = ""


def tls_look(row: WatchedAPIService, *, now: dt.datetime) -> TlsLook:
    """How the extension API server's certificate is checked, in words."""
    if row.tls == Tls.NONE:
        return TlsLook(word="–")
    word = str(Tls(row.tls).label)
    if row.tls in (Tls.UNVERIFIED, Tls.BROKEN):
        return TlsLook(word=word, css="bad")
    if row.ca_not_after is None:
        return TlsLook(word=word)
    more = row.ca_count - 1
    detail = plain(row.ca_subject)
    if more > 0:
        detail = _("%(subject)s and %(count)d more") % {"subject": detail, "count": more}
    return TlsLook(
        word=word,
        css=_end_css(row.ca_not_after, now=now),
        detail=detail,
        ends=row.ca_not_after,
        ends_text=_end_text(row.ca_not_after, now=now),
    )


def _end_css(ends: dt.datetime, *, now: dt.datetime) -> str:
    if ends <= now:
        return "bad"
    return "warn" if ends < now + dt.timedelta(days=CARE_DAYS) else ""


def _end_text(ends: dt.datetime, *, now: dt.datetime) -> str:
    when = relative_text(ends, now=now)
    return (_("ended %(when)s") if ends <= now else _("ends %(when)s")) % {"when": when}


def relative_text(at: dt.datetime, *, now: dt.datetime) -> str:
    """As `relative`, no more exact than its words are, so that it is worked out once a while."""
    away = abs((now - at).total_seconds())
    step = 3600 if away > 86_400 else 60 if away > 60 else 1
    moment = dt.datetime.fromtimestamp(now.timestamp() // step * step, tz=dt.UTC)
    return _worded(at, moment, get_language() or "")


@lru_cache(maxsize=8192)
def _worded(at: dt.datetime, now: dt.datetime, language: str) -> str:
    return relative(at, now=now)


def plain(text: str) -> str:
    """`visible`, quick for the usual text."""
    return text if text.isprintable() else visible(text)
