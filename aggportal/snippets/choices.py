"""What can be chosen on the flags page: authorities, and the certificates of one of them."""

from __future__ import annotations

import datetime as dt

from django.db.models import Case, QuerySet, Value, When
from django.utils.translation import gettext as _

from aggportal.certs.models import Authority, Certificate, Kind, Lane
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate
from aggportal.web.sentences import visible

# A list that a person can still read through; the newest come first.
MOST_CERTIFICATES = 100


def proxy_authorities() -> QuerySet[Authority]:
    """Return the authorities that may stand behind the front proxy, those of its own lane first."""
    own_lane_first = Case(When(lane=Lane.FRONT_PROXY, then=Value(0)), default=Value(1))
    offered = Authority.objects.filter(lane__in=[Lane.FRONT_PROXY, Lane.GENERAL])
    return offered.order_by(own_lane_first, "-created_at")


def authority_called(slug: str) -> Authority | None:
    """Return the one with `slug`, from the address bar: PostgreSQL refuses to look for a NUL."""
    return None if "\x00" in slug else proxy_authorities().filter(slug=slug).first()


def default_authority(*, now: dt.datetime) -> Authority | None:
    """Return the newest authority that is valid and has issued something, or just the newest."""
    offered = proxy_authorities()
    useful = offered.filter(not_after__gte=now, certificates__isnull=False).distinct()
    return useful.first() or offered.first()


def default_certificate(authority: Authority, *, now: dt.datetime) -> Certificate | None:
    """Return the newest certificate of `authority` that a client may use, or just the newest."""
    newest = list(authority.certificates.good(now=now).select_related("material")[:10])
    clients = (one for one in newest if "client auth" in facts_of(one).extended_usages)
    return next(clients, None) or _leaves(authority).first() or authority.certificates.first()


def certificate_choices(
    authority: Authority | None, *, chosen: str, now: dt.datetime
) -> list[tuple[str, str]]:
    """Return (id, label) of the newest certificates of `authority` that are not revoked, and of the
    `chosen` one.
    """
    if authority is None:
        return []
    offered = list(_leaves(authority)[:MOST_CERTIFICATES])
    is_number = chosen.isdecimal() and len(chosen) < 19
    if is_number and chosen not in {str(one.pk) for one in offered}:
        offered += Certificate.objects.filter(pk=int(chosen))
    return [(str(one.pk), _label(one, now=now)) for one in offered]


def _leaves(authority: Authority) -> QuerySet[Certificate]:
    return authority.certificates.filter(kind=Kind.LEAF, revoked_at=None)


def facts_of(certificate: Certificate) -> CertificateFacts:
    """Read what `certificate` says."""
    return read_certificate(certificate.material.pem)


def authority_facts(authority: Authority) -> CertificateFacts:
    """Read what the certificate of `authority` says."""
    return read_certificate(authority.certificate_pem)


def _label(certificate: Certificate, *, now: dt.datetime) -> str:
    if certificate.is_revoked:
        text = _("%(name)s, revoked, expires %(day)s")
    elif certificate.not_after >= now:
        text = _("%(name)s, expires %(day)s")
    else:
        text = _("%(name)s, expired %(day)s")
    label = text % {"name": visible(certificate), "day": f"{certificate.not_after:%Y-%m-%d}"}
    return f"{label} · {certificate.serial[:8]}…"
