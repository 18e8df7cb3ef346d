"""What can be wanted of certificates, and the orders in which they are listed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.models import Authority
from aggportal.pki.covering import Wanted
from aggportal.pki.identifying import Identifiers

SOON = dt.timedelta(days=30)


class Standing(models.TextChoices):
    """Where a certificate stands; a revoked one is nothing else, whatever its dates."""

    GOOD = "good", _l("valid")
    SOON = "soon", _l("ends within 30 days")
    EXPIRED = "expired", _l("expired")
    EARLY = "early", _l("not valid yet")
    REVOKED = "revoked", _l("revoked")
    HELD = "held", _l("on hold")
    RENEWED = "renewed", _l("renewed")


class Sort(models.TextChoices):
    """Orders of the list."""

    NEWEST = "", _l("newest first")
    ENDS = "ends", _l("soonest end first")
    NAME = "name", _l("by name")
    AUTHORITY = "authority", _l("by authority")


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """What is wanted. Empty and None say nothing; days are whole days of UTC, both ends included.

    `tag` and `profile` are whole, `owner` may be a part.
    """

    q: str = ""
    covers: Wanted | None = None
    serial: Identifiers | None = None
    state: str = ""
    authority: Authority | None = None
    profile: str = ""
    owner: str = ""
    tag: str = ""
    kind: str = ""
    origin: str = ""
    ends_from: dt.date | None = None
    ends_until: dt.date | None = None
    issued_from: dt.date | None = None
    issued_until: dt.date | None = None
