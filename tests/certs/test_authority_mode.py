"""An administrator changes how closely an authority follows cfssl; what it issued stays."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, Mode
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority, make_certificate

pytestmark = pytest.mark.django_db


def address(authority: Authority) -> str:
    return reverse("certs:authority_mode", args=[authority.slug])


def test_an_administrator_changes_it_and_that_is_recorded(client_of, administrator) -> None:
    authority = make_authority(expiry="100h")
    answer = client_of(administrator).post(address(authority), {"mode": "compat"})
    assert (answer.status_code, answer["Location"]) == (302, authority.get_absolute_url())
    authority.refresh_from_db()
    assert authority.mode == Mode.COMPAT
    assert Entry.objects.latest("pk").detail == {"before": "strict", "after": "compat"}
    page = client_of(administrator).get(authority.get_absolute_url())
    assert "s to the byte" in page.text


def test_what_is_issued_afterwards_follows_it(client_of, administrator) -> None:
    authority = make_authority(expiry="100h")
    assert make_certificate(authority, "a").not_after == authority.not_after
    client_of(administrator).post(address(authority), {"mode": "compat"})
    authority.refresh_from_db()
    now = timezone.now()
    later = make_certificate(authority, "b", now=now)
    assert later.not_after <= authority.not_after, "the choice to end with it still counts"


@pytest.mark.parametrize(("mode", "status"), [("", 422), ("loose", 422), ("strict", 409)])
def test_nonsense_and_the_same_again_change_nothing(
    client_of, administrator, mode: str, status: int
) -> None:
    authority = make_authority()
    answer = client_of(administrator).post(address(authority), {"mode": mode})
    assert answer.status_code == status
    assert not Entry.objects.filter(action="authority.mode_changed").exists()


def test_issuers_and_others_do_not(client_of, issuer, administrator, client) -> None:
    authority = make_authority()
    assert client_of(issuer).post(address(authority), {"mode": "compat"}).status_code == 403
    assert client.post(address(authority), {"mode": "compat"}).status_code in (302, 403)
    assert client_of(administrator).get(address(authority)).status_code == 405
    unknown = reverse("certs:authority_mode", args=["nobody"])
    assert client_of(administrator).post(unknown, {"mode": "compat"}).status_code == 404
    assert Authority.objects.get().mode == Mode.STRICT
