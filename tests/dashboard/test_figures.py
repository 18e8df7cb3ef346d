"""The figures of the first page count all, not only what the drawing has room for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.dashboard.calendars.pages import count_within
from aggportal.dashboard.overview import MOST, expiries
from tests.certs.makers import make_authority, make_certificate
from tests.certs.requests_made import hand_in


def test_all_that_ends_soon_is_counted(viewer: User, client_of: Callable[[User], Client]) -> None:
    now = timezone.now()
    authority = make_authority(now=now - dt.timedelta(days=355))
    for number in range(MOST + 2):
        make_certificate(authority, f"c{number}", now=now - dt.timedelta(days=350))
    make_certificate(authority, "fresh")
    assert count_within("30d", now=now) == MOST + 2
    client = client_of(viewer)
    figure = client.get("/").context["figures"][1]
    assert figure.value == str(MOST + 2)
    shown, address = 0, figure.url
    while address:
        page = client.get(address).context["page"]
        shown += sum(len(month.endings) for month in page.months)
        address = f"{figure.url}&after={page.later}" if page.later else ""
    assert shown == MOST + 2


def test_what_has_a_good_successor_is_not_counted(viewer: User) -> None:
    now = timezone.now()
    authority = make_authority(now=now - dt.timedelta(days=360))
    old = make_certificate(authority, "old", now=now - dt.timedelta(days=350))
    new = make_certificate(authority, "new", now=now)
    rows = type(new).objects.filter(pk=new.pk)
    rows.update(predecessor=old)
    assert count_within("30d", now=now) == 0
    assert expiries(now=now) == []
    rows.update(revoked_at=now, revocation_reason="superseded")
    assert count_within("30d", now=now) == 1
    assert [one.label for one in expiries(now=now)] == ["old"]


def test_an_authority_whose_place_is_taken_is_not_counted(viewer: User) -> None:
    now = timezone.now()
    old = make_authority(expiry="300h", now=now)
    assert count_within("30d", now=now) == 1
    new = make_authority("second-ca")
    type(new).objects.filter(pk=new.pk).update(predecessor=old)
    assert count_within("30d", now=now) == 0
    assert expiries(now=now) == []


def test_what_waits_for_a_decision_is_counted(
    viewer: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(viewer)
    assert client.get("/").context["figures"][2].value == "0"
    hand_in(make_authority())
    figure = client.get("/").context["figures"][2]
    found = client.get("/search/", {"q": "web"}).context["found"]
    assert [(one.kind, one.detail) for one in found] == [("Signing request", "waits")]
    assert (figure.value, figure.url, figure.tone) == ("1", "/requests/", "warn")
