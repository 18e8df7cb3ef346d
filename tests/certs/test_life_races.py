"""Twenty people approve, renew and revoke the same things at once: one decision each, no serial
twice, numbers of lists strictly rising, the ledger complete. On both engines.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    Certificate,
    ItemState,
    Reason,
    RenewalRun,
    RevocationList,
    RunState,
    SigningRequest,
    State,
)
from aggportal.certs.services.authority_renewing import renew_authority
from aggportal.certs.services.received import AlreadyDecided, Decision, sign_request
from aggportal.certs.services.renewal_runs import (
    RunChoices,
    RunUnderWay,
    counts_of,
    start_run,
)
from aggportal.certs.services.renewal_work import renew_like_before, work_off_runs
from aggportal.certs.services.revoking import (
    AlreadyRevoked,
    RevocationChoices,
    revoke_certificates,
)
from aggportal.certs.services.succeeding import AlreadySucceeded
from aggportal.certs.services.succession import AlreadyRenewed
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.verifying import verify_chain
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from tests.certs.makers import make_authority, make_certificate
from tests.certs.requests_made import PROFILE, hand_in
from tests.certs.successors_made import make_successor

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 20
MADE = dt.timedelta(days=350)
Deed = Callable[[int, Actor], object]


def together(deed: Deed) -> list[str]:
    """Do `deed` in as many threads as there are people; tell what became of each."""
    start, ends = threading.Barrier(PEOPLE), ["lost"] * PEOPLE

    def act(number: int) -> None:
        by = Actor(id=None, name=f"person-{number}", address="192.0.2.7")
        try:
            start.wait(30)
            deed(number, by)
            ends[number] = "done"
        except RefusedError as refused:
            ends[number] = refused.code
        except DatabaseError as error:
            ends[number] = repr(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    return ends


def renew(certificate: Certificate, by: Actor) -> Certificate:
    own = Certificate.objects.select_related("authority__key", "material").get(pk=certificate.pk)
    assert own.authority is not None
    return renew_like_before(own, own.authority, same_key=False, by=by, now=timezone.now())


def revoke(certificate: Certificate, by: Actor) -> object:
    choices = RevocationChoices(reason=Reason.SUPERSEDED)
    return revoke_certificates([certificate.pk], choices, by=by, now=timezone.now())


def require_whole() -> None:
    """No serial twice, lists numbered without gap or repetition, nothing missing in the ledger."""
    serials = Certificate.objects.values_list("authority_id", "serial")
    assert len(set(serials)) == len(serials)
    for authority in Authority.objects.all():
        lists = RevocationList.objects.filter(authority=authority).order_by("pk")
        numbers = list(lists.values_list("number", flat=True))
        assert numbers == sorted(set(numbers))
        assert authority.crl_number == (numbers[-1] if numbers else 0)
    done = Entry.objects.filter(action="certificate.issued", outcome=Outcome.DONE)
    told = Counter(done.values_list("object_id", flat=True))
    assert told == Counter(str(pk) for pk in Certificate.objects.values_list("pk", flat=True))
    renewed = Entry.objects.filter(action="certificate.renewed").values_list("object_id", flat=True)
    renewing = Certificate.objects.exclude(predecessor=None)
    assert Counter(renewed) == Counter(
        str(pk) for pk in renewing.values_list("predecessor_id", flat=True)
    )
    revoked = Entry.objects.filter(action="certificate.revoked")
    assert revoked.count() == Certificate.objects.revoked().count()
    assert not SigningRequest.objects.filter(state=State.SIGNING).exists()
    assert verify_chain().broken_at is None


def test_of_twenty_who_renew_a_certificate_one_makes_its_successor():
    before = make_certificate(make_authority())
    Certificate.objects.filter(pk=before.pk).update(not_after=timezone.now())
    ends = together(lambda _number, by: renew(before, by))
    assert Counter(ends) == {"done": 1, AlreadyRenewed.code: PEOPLE - 1}
    assert Certificate.objects.filter(predecessor=before).count() == 1
    assert SigningRequest.objects.filter(renews=before).count() == 1
    require_whole()


def test_approving_renewing_and_revoking_at_once_takes_one_decision_each():
    authority = make_authority()
    asked = hand_in(authority)
    mine, theirs = (make_certificate(authority, name) for name in ("mine", "theirs"))
    Certificate.objects.update(not_after=timezone.now() + dt.timedelta(days=2))

    def act(number: int, by: Actor) -> None:
        if number % 4 == 0:
            own = SigningRequest.objects.select_related("authority__key").get(pk=asked.pk)
            sign_request(own, Decision(profile=PROFILE), by=by, now=timezone.now())
        elif number % 4 == 1:
            renew(mine, by)
        else:
            revoke(mine if number % 4 == 2 else theirs, by)

    ends = together(act)
    share = PEOPLE // 4
    for offset, code in enumerate(
        (AlreadyDecided.code, AlreadyRenewed.code, AlreadyRevoked.code, AlreadyRevoked.code)
    ):
        assert Counter(ends[offset::4]) == {"done": 1, code: share - 1}
    for certificate in (mine, theirs):
        certificate.refresh_from_db()
        assert certificate.is_revoked
    assert Certificate.objects.filter(predecessor=mine).count() == 1
    assert Certificate.objects.filter(request=asked).count() == 1
    require_whole()


def test_twenty_who_renew_twenty_certificates_make_twenty_successors():
    authority = make_authority()
    before = [make_certificate(authority, f"one-{number}") for number in range(PEOPLE)]
    Certificate.objects.update(not_after=timezone.now())
    assert together(lambda number, by: renew(before[number], by)) == ["done"] * PEOPLE
    assert Certificate.objects.count() == 2 * PEOPLE
    require_whole()


def test_workers_and_people_share_a_run_and_renew_each_once():
    authority = make_authority(now=timezone.now() - MADE)
    rows = [make_certificate(authority, f"c-{i}", now=timezone.now() - MADE) for i in range(8)]
    starts = together(
        lambda _number, by: start_run(
            authority, RunChoices(within_days=30), by=by, now=timezone.now()
        )
    )
    assert Counter(starts) == {"done": 1, RunUnderWay.code: PEOPLE - 1}

    def act(number: int, by: Actor) -> None:
        if number % 4:
            work_off_runs(now=timezone.now(), seconds=60)
        else:
            renew(rows[number % len(rows)], by)

    together(act)
    work_off_runs(now=timezone.now(), seconds=60)
    run = RenewalRun.objects.get()
    counts = counts_of(run)
    assert run.state == RunState.DONE
    assert counts[ItemState.RENEWED] + counts[ItemState.PASSED] == len(rows)
    assert Certificate.objects.exclude(predecessor=None).count() == len(rows)
    assert Entry.objects.filter(action="renewals.ended").count() == 1
    require_whole()


def test_of_twenty_who_renew_an_authority_one_does():
    authority = make_authority()
    seen = authority.fingerprint_sha256

    def act(_number: int, by: Actor) -> None:
        own = Authority.objects.select_related("key").get(pk=authority.pk)
        renew_authority(own, life=None, seen=seen, by=by, now=timezone.now())

    assert Counter(together(act)) == {"done": 1, AlreadyRenewed.code: PEOPLE - 1}
    assert authority.other_certificates.count() == 1
    done = Entry.objects.filter(action="authority.renewed", outcome=Outcome.DONE)
    assert done.count() == 1
    require_whole()


def test_of_twenty_who_make_a_successor_of_an_authority_one_does():
    authority = make_authority()
    ends = together(lambda number, _by: make_successor(authority, slug=f"new-{number}"))
    assert Counter(ends) == {"done": 1, AlreadySucceeded.code: PEOPLE - 1}
    assert Authority.objects.count() == 2
    require_whole()
