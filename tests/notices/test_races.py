"""Several workers at once: each threshold is noticed once, each message sent once."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from aggportal.ledger.models import Entry
from aggportal.ledger.verifying import verify_chain
from aggportal.notices.models import Delivery, DeliveryState, Item, Notice
from aggportal.notices.models.notices import CLAIM
from aggportal.notices.services.delivering import bundle_waiting, deliver_due
from aggportal.notices.services.noticing import notice_what_is_due
from tests.notices.makers import DAY, NOW, ending, make_authority, webhook_channel
from tests.notices.servers import Hook, hook_server

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 6


def together(deed):
    """Do `deed` in as many threads as there are workers; return what each got."""
    start, ends = threading.Barrier(WORKERS), [None] * WORKERS

    def act(number):
        try:
            start.wait(20)
            ends[number] = deed()
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert None not in ends
    return ends


@pytest.fixture
def hook():
    def slowly(number):
        time.sleep(0.1)
        return 204

    with hook_server(Hook(answer=slowly)) as found:
        yield found


def test_of_many_that_look_each_threshold_is_noticed_by_one(hook):
    authority = make_authority(now=NOW - 60 * DAY)
    for number in range(12):
        ending(authority, f"api-{number}", days=6)
    webhook_channel(hook.url)
    found = together(lambda: len(notice_what_is_due(now=NOW)))
    assert sum(found) == Notice.objects.count() == Item.objects.count() == 12


def test_of_many_that_bundle_one_makes_the_message_and_one_sends_it(hook):
    authority = make_authority(now=NOW - 60 * DAY)
    for number in range(4):
        ending(authority, f"api-{number}", days=6)
    webhook_channel(hook.url)
    notice_what_is_due(now=NOW)
    assert sum(together(lambda: bundle_waiting(now=NOW))) == 1
    assert sum(together(lambda: deliver_due(clock=lambda: NOW))) == 1
    assert len(hook.posted) == 1
    assert Delivery.objects.get().items.count() == 4
    assert Entry.objects.filter(action="notice.sent").count() == 1
    assert verify_chain().broken_at is None


def test_of_many_workers_that_go_round_each_message_leaves_once(hook):
    authority = make_authority(now=NOW - 60 * DAY)
    for name in ("one", "two", "three"):
        webhook_channel(hook.url, name=name)
    ending(authority, days=6)

    def go_round():
        notice_what_is_due(now=NOW)
        return sum(deliver_due(clock=lambda: NOW) for _ in range(3))

    assert sum(together(go_round)) == 3
    assert len({posted.headers["webhook-id"] for posted in hook.posted}) == len(hook.posted) == 3


def test_a_worker_that_died_while_sending_leaves_its_message_to_another(hook):
    ending(make_authority(now=NOW - 60 * DAY), days=6)
    webhook_channel(hook.url)
    notice_what_is_due(now=NOW)
    bundle_waiting(now=NOW)
    delivery = Delivery.objects.get()
    assert Delivery.objects.claim(delivery.pk, now=NOW)
    assert deliver_due(clock=lambda: NOW + CLAIM / 2) == 0
    assert deliver_due(clock=lambda: NOW + CLAIM) == 1
    assert hook.posted[0].headers["webhook-id"] == str(delivery.uid)


def test_what_breaks_every_attempt_is_given_up(hook):
    ending(make_authority(now=NOW - 60 * DAY), days=6)
    webhook_channel(hook.url)
    notice_what_is_due(now=NOW)
    bundle_waiting(now=NOW)
    Delivery.objects.update(attempts=9)
    assert deliver_due(clock=lambda: NOW) == 0
    delivery = Delivery.objects.get()
    assert delivery.state == DeliveryState.FAILED
    assert "broke off" in str(delivery.why)
    assert Entry.objects.filter(action="notice.failed", actor_name="worker").count() == 1
