"""Of several workers one leads."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from django.utils import timezone

from aggportal.clusters.models import Lease
from aggportal.clusters.services.leadership import (
    NotLeading,
    give_back,
    lead,
    present_lease,
    require_leading,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def later(seconds):
    return NOW + dt.timedelta(seconds=seconds)


def test_the_first_worker_leads_and_the_second_waits():
    assert lead("one", now=NOW) is not None
    assert lead("two", now=NOW) is None


def test_a_leader_that_renews_keeps_its_term():
    assert lead("one", now=NOW) == lead("one", now=later(9)) == lead("one", now=later(18))
    assert lead("two", now=later(20)) is None


def test_a_stale_lease_is_taken_over_in_a_new_term():
    first = lead("one", now=NOW)
    second = lead("two", now=later(11))
    assert second is not None
    assert first is not None
    assert second.term == first.term + 1
    assert lead("one", now=later(12)) is None


def test_a_lease_that_is_given_back_is_taken_at_once():
    first = lead("one", now=NOW)
    assert first is not None
    give_back(first)
    lease = present_lease()
    assert lease is not None
    assert not lease.is_held(now=NOW)
    assert lead("two", now=later(1)) is not None


def test_a_worker_whose_reign_is_over_gives_nothing_back():
    first = lead("one", now=NOW)
    lead("two", now=later(11))
    assert first is not None
    give_back(first)
    assert Lease.objects.get().holder == "two"


def test_a_worker_that_lost_and_won_the_lease_again_cannot_write_with_the_old_one():
    first = lead("one", now=NOW)
    lead("two", now=later(11))
    again = lead("one", now=later(22))
    assert first is not None
    assert again is not None
    with transaction.atomic():
        require_leading(again)
    with pytest.raises(NotLeading), transaction.atomic():
        require_leading(first)


def test_a_lease_of_a_worker_that_died_before_the_clock_was_set_back_is_taken_over():
    first = lead("one", now=later(3600))
    assert first is not None
    lease = present_lease()
    assert lease is not None
    assert not lease.is_held(now=NOW)
    second = lead("two", now=NOW)
    assert second is not None
    assert second.term == first.term + 1
