"""What is due is noticed once, under the rules of its authority."""

from __future__ import annotations

import datetime as dt

import pytest

from aggportal.certs.models import Authority, Certificate, Kind, RevocationList
from aggportal.notices.models import Item, Notice, Policy
from aggportal.notices.services.noticing import forget_old_notices, notice_what_is_due
from tests.notices.makers import DAY, NOW, ending, mail_channel, make_authority

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority():
    return make_authority(now=NOW - 60 * DAY)


def look(*, days: float = 0):
    return [(each.label, each.stage) for each in notice_what_is_due(now=NOW + days * DAY)]


def test_each_threshold_is_noticed_once(authority):
    ending(authority, days=20)
    seen = [look(days=passed) for passed in range(0, 24)]
    assert [stage for each in seen for _, stage in each] == [30, 14, 7, 1, 0]
    assert look(days=24) == []


def test_after_a_pause_of_the_worker_the_tightest_is_noticed_alone(authority):
    ending(authority, days=40)
    assert look() == []
    assert look(days=34) == [("api", 7)]


def test_a_renewed_certificate_is_not_noticed_unless_its_successor_is_no_good(authority):
    old = ending(authority, days=5)
    new = ending(authority, "api", days=300, predecessor=old)
    assert look() == []
    Certificate.objects.filter(pk=new.pk).update(revoked_at=NOW, revocation_reason="superseded")
    assert look() == [("api", 7)]


def test_a_revoked_certificate_is_not_noticed(authority):
    ending(authority, days=5, revoked_at=NOW, revocation_reason="superseded")
    assert look() == []


def test_what_a_renewal_moved_is_noticed_at_its_new_end(authority):
    certificate = ending(authority, days=5)
    assert look() == [("api", 7)]
    Certificate.objects.filter(pk=certificate.pk).update(not_after=NOW + 100 * DAY)
    assert look() == []
    assert look(days=90) == [("api", 14)]


def test_certificates_that_end_long_before_others_do_not_crowd_them_out(authority):
    """A short life makes no threshold; a round takes few, and must come to the others."""
    brief = {"not_before": NOW - 3 * DAY, "kind": Kind.LEAF}
    for number in range(3):
        short = ending(authority, f"short-{number}", days=1)
        Certificate.objects.filter(pk=short.pk).update(**brief)
    ending(authority, "long", days=6)
    found = notice_what_is_due(now=NOW - DAY, limit=2)
    assert [each.label for each in found] == ["long"]


def test_a_round_goes_on_where_the_one_before_stopped(authority):
    for number in range(5):
        ending(authority, f"api-{number}", days=6)
    rounds = [len(notice_what_is_due(now=NOW, limit=2)) for _ in range(4)]
    assert rounds == [2, 2, 1, 0]


def test_an_authority_is_noticed_earlier_than_its_certificates(authority):
    Authority.objects.filter(pk=authority.pk).update(
        not_before=NOW - 3000 * DAY, not_after=NOW + 100 * DAY
    )
    assert look() == [("front-proxy-ca", 180)]
    assert look(days=70) == [("front-proxy-ca", 30)]


def test_an_authority_whose_place_was_taken_is_not_noticed(authority):
    Authority.objects.filter(pk=authority.pk).update(not_after=NOW + 20 * DAY)
    Authority.objects.filter(pk=make_authority("next").pk).update(predecessor=authority)
    assert look() == []


def test_an_authority_that_another_signed_is_noticed_once_not_twice(authority):
    child = make_authority("child", now=NOW - 60 * DAY)
    issued = ending(authority, "child", days=20, kind=Kind.AUTHORITY)
    Authority.objects.filter(pk=child.pk).update(issued_as=issued, not_after=issued.not_after)
    assert look() == [("child", 30)]
    assert Notice.objects.get().kind == "authority"


def test_a_list_that_is_not_published_anew_is_noticed(authority):
    RevocationList.objects.create(
        authority=authority,
        number=1,
        this_update=NOW - 5 * DAY,
        next_update=NOW + 2 * DAY,
        entries=0,
        der=b"",
    )
    assert look() == []
    assert look(days=1) == [("front-proxy-ca", 1)]
    assert look(days=2) == [("front-proxy-ca", 0)]
    RevocationList.objects.create(
        authority=authority,
        number=2,
        this_update=NOW + 2 * DAY,
        next_update=NOW + 9 * DAY,
        entries=0,
        der=b"",
    )
    assert look(days=3) == []


def test_an_authority_has_its_own_thresholds_and_may_be_switched_off(authority):
    other = make_authority("other-ca", now=NOW - 60 * DAY)
    ending(authority, "mine", days=50)
    ending(other, "theirs", days=5)
    Policy.objects.create(authority=authority, days=[60, 2])
    Policy.objects.create(authority=other, enabled=False)
    assert look() == [("mine", 60)]


def test_certificates_of_no_authority_of_ours_have_a_policy_too(authority):
    foreign = {"authority": None, "request": None, "origin": "imported"}
    ending(authority, "foreign", days=50, **foreign)
    ending(authority, "ours", days=50)
    assert look() == []
    Policy.objects.create(authority=None, days=[60])
    assert look() == [("foreign", 60)]
    Policy.objects.create(authority=authority, days=[60])
    assert look() == [("ours", 60)]


def test_a_notice_waits_for_the_channels_of_its_policy(authority):
    all_of_it, chosen, off = (
        mail_channel("all"),
        mail_channel("chosen"),
        mail_channel("off", enabled=False),
    )
    ending(authority, days=5)
    policy = Policy.objects.create(authority=authority, all_channels=False)
    policy.channels.set([chosen, off])
    other = make_authority("other-ca", now=NOW - 60 * DAY)
    ending(other, "other", days=5)
    look()
    queued = {(item.notice.label, item.channel.name) for item in Item.objects.all()}
    assert queued == {("api", "chosen"), ("other", "all"), ("other", "chosen")}
    assert all_of_it.items.count() == 1


def test_what_was_said_of_things_long_gone_is_forgotten(authority):
    ending(authority, days=5)
    look()
    forget_old_notices(now=NOW + 180 * DAY)
    assert Notice.objects.count() == 1
    forget_old_notices(now=NOW + 190 * DAY + dt.timedelta(seconds=1))
    assert Notice.objects.count() == 0
