"""Whoever comes together: one answer, one authority, one cross-signed certificate."""

from __future__ import annotations

import pytest
from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    AuthorityCertificate,
    Certificate,
    Lane,
    OwnRequest,
    SigningRequest,
    State,
)
from aggportal.certs.services.answering import read_answer, settle
from aggportal.certs.services.authorities import SlugTaken
from aggportal.certs.services.cross_signing import (
    AlreadyCrossSigned,
    add_cross_certificate,
    cross_sign,
    make_cross_request,
)
from aggportal.certs.services.own_requests import AlreadyAnswered, drop_own_request
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.verifying import verify_chain
from tests.certs.chains_made import answered, ask, make_intermediate, outside
from tests.certs.makers import ANA, make_authority
from tests.certs.test_request_races import PEOPLE, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_many_who_bring_the_answer_one_is_heard() -> None:
    text = answered(ask().csr_pem, outside())

    def bring(_number: int) -> None:
        settle(read_answer(text), by=ANA, now=timezone.now())

    assert together(bring) == sorted(["done", *[AlreadyAnswered.code] * (PEOPLE - 1)])
    assert Certificate.objects.count() == 1
    assert Entry.objects.filter(action="own_request.answered").count() == 1
    assert verify_chain().broken_at is None


def test_of_two_different_answers_to_one_request_one_is_kept() -> None:
    own = ask()
    texts = [answered(own.csr_pem, outside(f"ca-{number}")) for number in range(PEOPLE)]
    answers = [read_answer(text) for text in texts]

    def bring(number: int) -> None:
        settle(answers[number], by=ANA, now=timezone.now())

    assert together(bring) == sorted(["done", *[AlreadyAnswered.code] * (PEOPLE - 1)])
    assert Certificate.objects.get() == OwnRequest.objects.get().certificate


def test_answering_and_dropping_together_leave_one_outcome() -> None:
    own = ask()
    answer = read_answer(answered(own.csr_pem, outside()))

    def act(number: int) -> None:
        row = OwnRequest.objects.select_related("key").get(pk=own.pk) if number % 2 else own
        if number % 2:
            drop_own_request(row, by=ANA, now=timezone.now())
        else:
            settle(answer, by=ANA, now=timezone.now())

    ends = together_or_gone(act)
    assert ends.count("done") == 1
    kept = OwnRequest.objects.count()
    assert Certificate.objects.count() == kept
    assert Entry.objects.filter(action="own_request.dropped").count() == 1 - kept


def together_or_gone(deed) -> list[str]:
    """As `together`; whoever finds no request any more is too late as well."""

    def act(number: int) -> None:
        try:
            deed(number)
        except OwnRequest.DoesNotExist as gone:
            raise AlreadyAnswered(str(gone)) from gone

    return together(act)


def test_of_many_who_make_an_authority_of_one_name_one_does() -> None:
    root = make_authority("root", lane=Lane.SERVING)

    def make(_number: int) -> None:
        parent = Authority.objects.select_related("key").get(pk=root.pk)
        make_intermediate(parent, "sub")

    assert together(make) == sorted(["done", *[SlugTaken.code] * (PEOPLE - 1)])
    assert Authority.objects.filter(slug="sub").count() == 1
    assert Certificate.objects.filter(authority=root).count() == 1
    assert not SigningRequest.objects.filter(state=State.SIGNING).exists()
    issued = Entry.objects.filter(action="certificate.issued")
    ended = issued.exclude(outcome=Outcome.INTENDED).count()
    assert issued.filter(outcome=Outcome.INTENDED).count() == ended
    assert verify_chain().broken_at is None


def test_of_many_who_bring_a_cross_certificate_one_is_kept() -> None:
    root = make_authority("root", lane=Lane.SERVING)
    text = answered(make_cross_request(root, by=ANA, now=timezone.now()), outside(), ca=True)

    def bring(_number: int) -> None:
        add_cross_certificate(root, text, by=ANA, now=timezone.now())

    assert together(bring) == sorted(["done", *[AlreadyCrossSigned.code] * (PEOPLE - 1)])
    assert AuthorityCertificate.objects.count() == 1


def test_of_many_who_cross_sign_the_same_pair_one_does() -> None:
    one, other = (make_authority(name, lane=Lane.SERVING) for name in ("one", "other"))

    def cross(_number: int) -> None:
        fresh = Authority.objects.select_related("key").get(pk=one.pk)
        cross_sign(fresh, by_authority=other, by=ANA, now=timezone.now())

    assert together(cross) == sorted(["done", *[AlreadyCrossSigned.code] * (PEOPLE - 1)])
    assert one.other_certificates.count() == 1
