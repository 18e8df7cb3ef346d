"""Whoever revokes, publishes and asks together: one decision each, list numbers strictly rising."""

from __future__ import annotations

import pytest
from cryptography.x509 import ocsp
from django.utils import timezone

from aggportal.certs import jobs
from aggportal.certs.models import (
    Authority,
    Certificate,
    Kind,
    OcspAnswer,
    Reason,
    RevocationList,
)
from aggportal.certs.services.crls import publish_crl
from aggportal.certs.services.ocsp import reply_to
from aggportal.certs.services.revoking import (
    AlreadyRevoked,
    NotOnHold,
    RevocationChoices,
    release_certificate,
    revoke_certificates,
)
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.verifying import verify_chain
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.status_asked import issuer_of, number_of, question, read_list
from tests.certs.test_request_races import PEOPLE, together

pytestmark = pytest.mark.django_db(transaction=True)


def revoke(*pks: int, reason: Reason = Reason.SUPERSEDED) -> None:
    revoke_certificates(pks, RevocationChoices(reason=reason), by=ANA, now=timezone.now())


def numbers(authority: Authority) -> list[int]:
    """The lists' numbers, oldest first; each list says the number of its row."""
    rows = list(authority.crls.order_by("pk"))
    assert [number_of(read_list(row)) for row in rows] == [row.number for row in rows]
    return [row.number for row in rows]


def test_of_many_who_revoke_the_same_one_does() -> None:
    certificate = make_certificate(make_authority())
    ends = together(lambda _number: revoke(certificate.pk))
    assert ends == sorted(["done", *[AlreadyRevoked.code] * (PEOPLE - 1)])
    assert Entry.objects.filter(action="certificate.revoked").count() == 1
    assert numbers(issuer_of(certificate)) == [1]


def test_many_who_revoke_others_are_all_on_the_last_list() -> None:
    authority = make_authority()
    pks = [make_certificate(authority, f"c{number}").pk for number in range(PEOPLE)]
    assert together(lambda number: revoke(pks[number])) == ["done"] * PEOPLE
    assert numbers(authority) == list(range(1, PEOPLE + 1))
    sizes = [len(read_list(row)) for row in authority.crls.order_by("number")]
    assert sizes == list(range(1, PEOPLE + 1))
    assert verify_chain().broken_at is None


def test_overlapping_choices_never_revoke_one_twice() -> None:
    authority = make_authority()
    pks = [make_certificate(authority, f"c{number}").pk for number in range(4)]

    def act(number: int) -> None:
        chosen = pks[number % 2 : number % 2 + 3]
        revoke(*(chosen if number % 3 else reversed(chosen)))

    ends = together(act)
    assert set(ends) == {"done", AlreadyRevoked.code}
    assert ends.count("done") == 1
    assert Certificate.objects.revoked().count() == 3
    assert Entry.objects.filter(action="certificate.revoked").count() == 3


def test_of_a_release_and_a_final_revocation_one_comes_first() -> None:
    certificate = make_certificate(make_authority())
    revoke(certificate.pk, reason=Reason.HOLD)

    def act(number: int) -> None:
        if number % 2:
            own = Certificate.objects.get(pk=certificate.pk)
            release_certificate(own, by=ANA, now=timezone.now())
        else:
            revoke(certificate.pk, reason=Reason.KEY_COMPROMISE)

    ends = together(act)
    assert set(ends) <= {"done", AlreadyRevoked.code, NotOnHold.code}
    certificate.refresh_from_db()
    released = Entry.objects.filter(action="certificate.released").count()
    revoked = Entry.objects.filter(action="certificate.revoked").count() - 1
    # Released first, it may be revoked afresh; revoked first, it stays so.
    assert (released, revoked) in ((1, 1), (0, 1))
    assert certificate.revocation_reason == Reason.KEY_COMPROMISE
    assert ends.count("done") == released + revoked


def test_list_numbers_rise_whoever_publishes() -> None:
    authority = make_authority()
    pks = [make_certificate(authority, f"c{number}").pk for number in range(PEOPLE)]

    def act(number: int) -> None:
        match number % 3:
            case 0:
                revoke(pks[number])
            case 1:
                publish_crl(Authority.objects.get(pk=authority.pk), by=ANA, now=timezone.now())
            case _:
                jobs.publish_lists(timezone.now())

    assert together(act) == ["done"] * PEOPLE
    found = numbers(authority)
    assert found == sorted(set(found))
    authority.refresh_from_db()
    assert authority.crl_number == found[-1]
    assert RevocationList.objects.all()[0].entries == PEOPLE // 3
    assert verify_chain().broken_at is None


def test_many_first_questions_make_one_responder() -> None:
    certificate = make_certificate(make_authority())
    asked = question(certificate)
    statuses = []

    def ask(_number: int) -> None:
        own = Authority.objects.get(pk=issuer_of(certificate).pk)
        answer = ocsp.load_der_ocsp_response(reply_to(own, asked, now=timezone.now()).der)
        statuses.append(answer.certificate_status)

    assert together(ask) == ["done"] * PEOPLE
    assert statuses == [ocsp.OCSPCertStatus.GOOD] * PEOPLE
    assert Certificate.objects.filter(kind=Kind.RESPONDER).count() == 1
    assert OcspAnswer.objects.count() == 1
    issued = Entry.objects.filter(action="certificate.issued", actor_name="ocsp-responder")
    assert issued.filter(outcome=Outcome.DONE).count() == 1


def test_no_answer_from_before_a_revocation_is_kept() -> None:
    certificate = make_certificate(make_authority())
    asked, authority = question(certificate), issuer_of(certificate)
    reply_to(authority, asked, now=timezone.now())

    def act(number: int) -> None:
        if number == PEOPLE // 2:
            revoke(certificate.pk)
        else:
            OcspAnswer.objects.filter(authority=authority).delete()
            reply_to(authority, asked, now=timezone.now())

    assert together(act) == ["done"] * PEOPLE
    answer = ocsp.load_der_ocsp_response(reply_to(authority, asked, now=timezone.now()).der)
    assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
