"""How much of its life a certificate has lived, for the bar that shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from aggportal.certs.models import Authority, Certificate

_SOON = dt.timedelta(days=30)
_SOON_SHARE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """`lived` is a percentage from 0 to 100; `state` is early, ok, soon, over, held or revoked.

    `revoked_at` says since when, where the state is one of the last two.
    """

    not_before: dt.datetime
    not_after: dt.datetime
    lived: int
    state: str
    revoked_at: dt.datetime | None = None


def life_of(not_before: dt.datetime, not_after: dt.datetime, *, now: dt.datetime) -> Life:
    """Return where `now` stands in a life. "soon" is the last tenth, at most thirty days before the
    end.
    """
    whole = max(not_after - not_before, dt.timedelta(seconds=1))
    lived = min(max(round(100 * ((now - not_before) / whole)), 0), 100)
    left = not_after - now
    state = "ok"
    if now > not_after:
        state = "over"
    elif now < not_before:
        state = "early"
    elif left <= min(_SOON, whole * _SOON_SHARE):
        state = "soon"
    return Life(not_before=not_before, not_after=not_after, lived=lived, state=state)


def certificate_life(certificate: Certificate, *, now: dt.datetime) -> Life:
    """Return where `now` stands in the life of a certificate; being revoked goes before all."""
    life = life_of(certificate.not_before, certificate.not_after, now=now)
    if not certificate.is_revoked:
        return life
    state = "held" if certificate.is_held else "revoked"
    return replace(life, state=state, revoked_at=certificate.revoked_at)


def authority_life(authority: Authority, *, now: dt.datetime) -> Life:
    """Return where `now` stands in the life of an authority; its issuer may have revoked it."""
    if authority.issued_as is not None and authority.issued_as.is_revoked:
        return certificate_life(authority.issued_as, now=now)
    return life_of(authority.not_before, authority.not_after, now=now)
