"""Successors of authorities, for tests."""

from __future__ import annotations

from django.utils import timezone

from aggportal.certs.models import Authority, Lane, Mode
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.succeeding import create_successor, spec_of_successor
from aggportal.pki.requests import parse_request_spec
from aggportal.pki.specs import RequestSpec
from tests.certs.makers import ANA


def successor_spec(authority: Authority) -> RequestSpec:
    return parse_request_spec(spec_of_successor(authority))


def successor_choices(authority: Authority, *, slug: str = "second") -> AuthorityChoices:
    return AuthorityChoices(
        label=slug,
        slug=slug,
        lane=Lane(authority.lane),
        mode=Mode(authority.mode),
        file_base=f"{authority.file_base}-2",
        signing_config=authority.signing_config,
    )


def make_successor(authority: Authority, *, slug: str = "second") -> Authority:
    return create_successor(
        authority,
        successor_spec(authority),
        successor_choices(authority, slug=slug),
        by=ANA,
        now=timezone.now(),
    )
