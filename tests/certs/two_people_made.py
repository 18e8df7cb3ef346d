"""Certificates that wait for another person, for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role
from aggportal.certs.models import Authority, Certificate, SigningRequest
from aggportal.certs.services.approving import approve_request
from aggportal.certs.services.holding import ask_certificate
from aggportal.certs.services.issuing import IssueChoices
from aggportal.pki.requests import load_request_spec
from aggportal.web.actors import Actor
from tests.certs.makers import P256, make_authority
from tests.certs.people import person
from tests.certs.requests_made import PROFILE, set_in_profile

REASON = "the cluster's own administrator, until May"


def with_role(name: str, role: Role) -> Actor:
    """A person who holds `role` for the whole portal."""
    by = person(name)
    give_role(User.objects.get(username=name), role)
    return by


def two_people_authority(**rest: Any) -> Authority:
    """An authority whose profile for the front proxy wants two people."""
    authority = make_authority(**rest)
    set_in_profile(authority, two_people=True)
    authority.refresh_from_db()
    return authority


def ask(
    authority: Authority,
    cn: str = "aggregator",
    *,
    by: Actor | None = None,
    now: dt.datetime | None = None,
    **document: Any,
) -> Certificate | SigningRequest:
    """What somebody asks for on the page for new certificates."""
    choices = document.pop("choices", {})
    spec = load_request_spec({"CN": cn, "key": P256, **document})
    chosen = IssueChoices(**{"profile": PROFILE, "file_base": "asked", **choices})
    asker = by or with_role("asker", Role.ISSUER)
    return ask_certificate(authority, spec, chosen, by=asker, now=now or timezone.now())


def held(authority: Authority, cn: str = "aggregator", **rest: Any) -> SigningRequest:
    """What waits for another person."""
    asked = ask(authority, cn, **rest)
    assert isinstance(asked, SigningRequest)
    return SigningRequest.objects.select_related("authority__key").get(pk=asked.pk)


def approved(
    asked: SigningRequest, *, by: Actor | None = None, now: dt.datetime | None = None
) -> Certificate:
    """Let somebody else approve it."""
    other = by or with_role("other", Role.APPROVER)
    return approve_request(asked, sha256=asked.tbs_sha256, by=other, now=now or timezone.now())
