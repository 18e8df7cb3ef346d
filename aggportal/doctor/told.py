"""Evidence in words, the same for every check."""

from __future__ import annotations

import datetime as dt

from aggportal.doctor.findings import Remedy, Severity
from aggportal.doctor.registry import Found, Passed
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_MOST = 8


def say(text: str, **params: object) -> Sentence:
    """A sentence with its values."""
    return Sentence(text=text, params=params)


def certificates_told(certificates: tuple[CertificateFacts, ...]) -> tuple[Sentence, ...]:
    """One line for each certificate: who, by whom, until when, fingerprint."""
    return tuple(
        say(
            _n("%(subject)s, signed by %(issuer)s, until %(until)s, SHA-256 %(digest)s…"),
            subject=each.subject,
            issuer=each.issuer,
            until=f"{each.not_after:%Y-%m-%d}",
            digest=each.sha256[:16],
        )
        for each in certificates[:_MOST]
    )


def ends(
    certificate: CertificateFacts, *, now: dt.datetime, soon: dt.timedelta, remedy: Remedy
) -> Found | Passed:
    """Found as it stands when over or not begun, as a warning when it ends within `soon`."""
    told = certificates_told((certificate,))
    date = f"{certificate.not_after:%Y-%m-%d %H:%M}"
    if certificate.not_after < now:
        return Found(
            sentence=say(
                _n("%(subject)s expired on %(date)s UTC."), subject=certificate.subject, date=date
            ),
            evidence=told,
            remedy=remedy,
        )
    if certificate.not_before > now:
        return Found(
            sentence=say(
                _n("%(subject)s is not valid before %(date)s UTC; a clock may be wrong."),
                subject=certificate.subject,
                date=f"{certificate.not_before:%Y-%m-%d %H:%M}",
            ),
            evidence=told,
            remedy=remedy,
        )
    if certificate.not_after - now < soon:
        return Found(
            sentence=say(
                _n("%(subject)s expires on %(date)s UTC."), subject=certificate.subject, date=date
            ),
            evidence=told,
            remedy=remedy,
            severity=Severity.WARNING,
        )
    return Passed(evidence=told)
