"""What became of a subject since it was noticed, so that a late message does not alarm in vain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext as _

from aggportal.certs.models import Authority, Certificate, RevocationList
from aggportal.clusters.models import Finding
from aggportal.notices.models import Notice, SubjectKind
from aggportal.notices.wording import Line, line_of


def lines_of(notices: Sequence[Notice], *, now: dt.datetime) -> list[Line]:
    """Return the notices in words, each with what happened since."""
    return [line_of(notice, standing=standing_of(notice, now=now), now=now) for notice in notices]


def standing_of(notice: Notice, *, now: dt.datetime) -> str:
    """Say what became of the subject of `notice`; empty while it stands as it was."""
    match SubjectKind(notice.kind):
        case SubjectKind.CERTIFICATE if notice.certificate is not None:
            return _of_certificate(notice.certificate, now=now)
        case SubjectKind.AUTHORITY if notice.authority is not None:
            return _of_authority(notice.authority, ends=notice.ends_at, now=now)
        case SubjectKind.LIST:
            return _of_list(notice)
        case SubjectKind.FINDING if notice.finding is not None:
            return _of_finding(notice.finding, now=now)
    return ""


def _of_certificate(certificate: Certificate, *, now: dt.datetime) -> str:
    if certificate.is_held:
        return _("It is on hold since: release it, or revoke it for good.")
    if certificate.revoked_at is not None:
        return _("It was revoked since: nothing is to be done.")
    successor = getattr(certificate, "successor", None)
    if successor is None:
        return ""
    if successor.revoked_at is not None:
        return _("It was renewed, but its successor is revoked.")
    if not successor.not_before <= now <= successor.not_after:
        return _("It was renewed, but its successor is not valid now.")
    return _("It was renewed; its successor lasts until %(date)s. Put that in its place.") % {
        "date": f"{successor.not_after:%Y-%m-%d}"
    }


def _of_authority(authority: Authority, *, ends: dt.datetime, now: dt.datetime) -> str:
    if authority.not_after != ends:
        return _("It was renewed and lasts until %(date)s.") % {
            "date": f"{authority.not_after:%Y-%m-%d}"
        }
    successor = getattr(authority, "successor", None)
    if successor is not None and successor.not_after > now:
        return _("Another authority took its place: %(name)s.") % {"name": successor.label}
    return ""


def _of_finding(finding: Finding, *, now: dt.datetime) -> str:
    if finding.resolved_at is not None:
        return _("It is over since: a later look did not find it again.")
    return _("It was muted since.") if finding.is_muted(now=now) else ""


def _of_list(notice: Notice) -> str:
    newer = RevocationList.objects.filter(
        authority=notice.authority, next_update__gt=notice.ends_at
    )
    return _("A new list was published since.") if newer.exists() else ""
