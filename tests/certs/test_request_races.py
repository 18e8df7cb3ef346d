"""Whoever clicks together: each request is decided exactly once, on both engines."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from aggportal.accounts.roles import Role
from aggportal.certs.models import Approval, Certificate, SigningRequest, State
from aggportal.certs.services.received import (
    AlreadyDecided,
    Decision,
    reject_request,
    sign_request,
)
from aggportal.certs.services.receiving import AlreadyWaits, receive_request
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.verifying import verify_chain
from aggportal.pki.csrreading import read_csr
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from tests.certs.makers import ANA, make_authority
from tests.certs.requests_made import PROFILE, hand_in
from tests.certs.two_people_made import approved, held, two_people_authority, with_role
from tests.pki.csrs_made import csr, der

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 12


def together(deed: Callable[[int], object]) -> list[str]:
    """Do `deed` in as many threads as there are people; tell what became of each."""
    start, ends = threading.Barrier(PEOPLE), [""] * PEOPLE

    def act(number: int) -> None:
        try:
            start.wait(20)
            deed(number)
            ends[number] = "done"
        except RefusedError as refused:
            ends[number] = refused.code
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(ends)


def test_of_many_who_sign_and_reject_one_decides() -> None:
    asked = hand_in(make_authority())

    def decide(number: int) -> None:
        own = SigningRequest.objects.select_related("authority__key").get(pk=asked.pk)
        by = Actor(id=None, name=f"person-{number}", address="192.0.2.7")
        if number % 2:
            reject_request(own, reason="no", by=by, now=timezone.now())
        else:
            sign_request(own, Decision(profile=PROFILE), by=by, now=timezone.now())

    assert together(decide) == sorted(["done", *[AlreadyDecided.code] * (PEOPLE - 1)])
    asked.refresh_from_db()
    issued = Certificate.objects.count()
    assert (asked.state, issued) in ((State.ISSUED, 1), (State.REJECTED, 0))
    decisions = Entry.objects.filter(action__in=("certificate.issued", "request.rejected"))
    assert decisions.filter(outcome=Outcome.DONE).count() == 1
    assert decisions.filter(outcome=Outcome.INTENDED).count() == issued
    assert verify_chain().broken_at is None


def test_of_many_who_hand_in_the_same_request_one_waits() -> None:
    authority, facts = make_authority(), read_csr(der(csr()))

    def ask(_number: int) -> None:
        receive_request(authority, facts, profile=PROFILE, by=ANA, now=timezone.now())

    assert together(ask) == sorted(["done", *[AlreadyWaits.code] * (PEOPLE - 1)])
    assert SigningRequest.objects.waiting().count() == 1
    assert Entry.objects.filter(action="request.received").count() == 1


def test_of_many_who_approve_at_once_one_is_signed() -> None:
    asked = held(two_people_authority())
    people = [with_role(f"person-{number}", Role.APPROVER) for number in range(PEOPLE)]

    def decide(number: int) -> None:
        own = SigningRequest.objects.select_related("authority__key").get(pk=asked.pk)
        if number % 4:
            approved(own, by=people[number])
        else:
            reject_request(own, reason="no", by=people[number], now=timezone.now())

    assert together(decide) == sorted(["done", *[AlreadyDecided.code] * (PEOPLE - 1)])
    asked.refresh_from_db()
    issued = Certificate.objects.count()
    assert (asked.state, issued) in ((State.ISSUED, 1), (State.REJECTED, 0))
    assert Approval.objects.count() == issued
    assert verify_chain().broken_at is None
