"""Certificates put together for a caBundle, and what is to be said of their dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def bundle_pem(certificates: Iterable[CertificateFacts]) -> bytes:
    """The certificates as one PEM text, each once."""
    once = {each.sha256: each for each in certificates}
    return "".join(f"{each.pem.strip()}\n" for each in once.values()).encode("ascii")


def expired(certificates: Iterable[CertificateFacts], *, now: dt.datetime) -> Iterator[Sentence]:
    """A sentence for each that is over, or not begun."""
    for each in certificates:
        params = {"subject": each.subject, "date": f"{each.not_after:%Y-%m-%d}"}
        if each.not_after < now:
            yield Sentence(text=_n("%(subject)s expired on %(date)s."), params=params)
        elif each.not_before > now:
            params["date"] = f"{each.not_before:%Y-%m-%d}"
            yield Sentence(text=_n("%(subject)s is not valid before %(date)s."), params=params)
