"""Many at once: the limit of a person holds exactly, on both engines."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.utils import timezone

from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.verifying import verify_chain
from aggportal.scans.services.scanning import TooManyScans, _record_attempt
from aggportal.tls.scanning import ask
from aggportal.tls.targets import Target
from tests.certs.makers import ANA

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE, LIMIT = 16, 5


def test_attempts_at_once_do_not_slip_past_the_limit(settings):
    settings.SCANS_PER_MINUTE = LIMIT
    question = ask(Target(host="127.0.0.1", port=6443))
    start, refused = threading.Barrier(AT_ONCE), []

    def attempt() -> None:
        start.wait(20)
        try:
            _record_attempt(Outcome.INTENDED, question, by=ANA, at=timezone.now(), detail={})
        except TooManyScans as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Entry.objects.filter(action="endpoint.scanned").count() == LIMIT
    assert len(refused) == AT_ONCE - LIMIT
    assert verify_chain().broken_at is None
