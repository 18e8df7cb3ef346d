"""Authorities for the tests of their pages: real keys, made by the service."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from aggportal.certs.forms.starting_points import starting_config
from aggportal.certs.models import Authority, Lane, Mode
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.pki.keys import KeySpec
from aggportal.pki.specs import CaSpec, RequestSpec
from aggportal.web.actors import system_actor


def make_authority(
    slug: str = "proxy", *, lane: Lane = Lane.FRONT_PROXY, now: dt.datetime | None = None
) -> Authority:
    """Make an ECDSA authority for ten years with the profiles that its lane recommends."""
    spec = RequestSpec(common_name=slug, key=KeySpec(), ca=CaSpec(expiry="87600h"))
    choices = AuthorityChoices(
        label=f"The {slug}",
        slug=slug,
        lane=lane,
        mode=Mode.STRICT,
        file_base=f"{slug}-ca",
        signing_config=starting_config("recommended", lane=lane),
    )
    return create_authority(spec, choices, by=system_actor("tests"), now=now or timezone.now())
