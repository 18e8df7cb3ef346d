"""Names for files that follow from others stay as short as PostgreSQL's columns want them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.cross_signing import cross_sign
from aggportal.certs.services.responders import responder_of
from tests.certs.chains_made import ca_spec, choices
from tests.certs.makers import ANA, make_authority

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority() -> Authority:
    """An authority with the longest name for its files."""
    chosen = replace(choices("long"), file_base="a" * 100)
    return create_authority(ca_spec("long"), chosen, by=ANA, now=timezone.now())


def test_a_responder_is_made_for_an_authority_with_a_long_name(authority):
    made = responder_of(authority, now=timezone.now())
    assert made.file_base == "a" * 95 + "-ocsp"


def test_an_authority_with_a_long_name_is_cross_signed(authority):
    other = make_authority("other", lane=Lane.SERVING)
    cross_sign(authority, by_authority=other, by=ANA, now=timezone.now())
    assert Certificate.objects.get(authority=other).file_base == "a" * 94 + "-cross"
