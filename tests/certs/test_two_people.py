"""Two people: what one asks for is frozen to the byte, and signed when another says yes to it."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
from cryptography import x509
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from aggportal.accounts.roles import Role
from aggportal.certs.jobs import expire_proposals
from aggportal.certs.models import Certificate, Mode, SealedKey, SigningRequest, State
from aggportal.certs.services.approvals import NotApproved, ProposalOver, SelfApproval
from aggportal.certs.services.approving import approve_request
from aggportal.certs.services.holding import hold_request
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.certs.services.received import AlreadyDecided, Decision, reject_request, sign_request
from aggportal.certs.services.renewing import RenewChoices, ask_renewal, spec_to_begin_with
from aggportal.certs.services.two_people import NeedsTwoPeople, PlanChanged
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.config import parse_config
from aggportal.pki.errors import InvalidFields, ReservedIdentity
from aggportal.pki.jsontext import dump_json
from aggportal.pki.requests import load_request_spec, parse_request_spec
from tests.certs.makers import ANA, P256, make_authority, make_certificate
from tests.certs.requests_made import PROFILE, hand_in, set_in_profile
from tests.certs.two_people_made import REASON, approved, ask, held, two_people_authority, with_role

pytestmark = pytest.mark.django_db
LATER = dt.timedelta(hours=25)
MASTERS = [{"O": "system:masters"}]


def tbs_of(certificate: Certificate) -> str:
    loaded = x509.load_pem_x509_certificate(certificate.material.pem.encode())
    return hashlib.sha256(loaded.tbs_certificate_bytes).hexdigest()


@pytest.mark.parametrize("mode", Mode)
def test_what_is_signed_is_what_was_frozen_and_approved(mode: Mode) -> None:
    asked = held(two_people_authority(mode=mode), hosts=["a.example"])
    assert (asked.state, Certificate.objects.count()) == (State.PENDING, 0)
    made = approved(asked, now=timezone.now() + dt.timedelta(hours=3))
    assert tbs_of(made) == asked.tbs_sha256
    assert made.file_base == "asked"
    assert made.key is not None
    assert (made.key.purpose, made.key.open() != b"") == ("certificate-key", True)
    asked.refresh_from_db()
    assert (asked.state, str(asked.approved_by), asked.key) == (State.ISSUED, "other", None)
    done = Entry.objects.get(action="certificate.issued", outcome=Outcome.DONE)
    assert (done.detail["asked_by"], done.detail["approved_sha256"]) == ("asker", asked.tbs_sha256)


def test_self_approval_denied() -> None:
    chief = with_role("chief", Role.ADMINISTRATOR)
    asked = held(two_people_authority(), by=chief)
    with pytest.raises(SelfApproval):
        approved(asked, by=chief)
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningRequest.objects.filter(pk=asked.pk).update(approved_by_id=chief.id)
    assert not Certificate.objects.exists()


def test_whoever_may_not_approve_here_does_not() -> None:
    asked = held(two_people_authority())
    for name, role in (("issuer", Role.ISSUER), ("viewer", Role.VIEWER)):
        with pytest.raises(PermissionDenied):
            approved(asked, by=with_role(name, role))
    assert not Certificate.objects.exists()


def test_other_bytes_than_those_looked_at_are_not_approved() -> None:
    asked = held(two_people_authority())
    other = with_role("other", Role.APPROVER)
    with pytest.raises(NotApproved):
        approve_request(asked, sha256="0" * 64, by=other, now=timezone.now())
    assert SigningRequest.objects.get().state == State.PENDING


def test_a_profile_that_changed_since_signs_nothing_and_the_ledger_tells() -> None:
    authority = two_people_authority()
    asked = held(authority)
    set_in_profile(authority, expiry="1h")
    asked = SigningRequest.objects.select_related("authority__key").get()
    with pytest.raises(PlanChanged):
        approved(asked)
    assert not Certificate.objects.exists()
    failed = Entry.objects.get(action="certificate.issued", outcome=Outcome.FAILED)
    assert "not what was looked at" in failed.detail["why"]


def test_what_nobody_approved_in_time_ends_with_its_key() -> None:
    asked, later = held(two_people_authority()), timezone.now() + LATER
    with pytest.raises(ProposalOver):
        approved(asked, now=later)
    expire_proposals(later)
    asked.refresh_from_db()
    assert (asked.state, asked.key) == (State.EXPIRED, None)
    assert SealedKey.objects.filter(purpose="certificate-key").count() == 0
    assert Entry.objects.filter(action="request.expired").count() == 1


def test_a_rejected_one_ends_with_its_key() -> None:
    asked = held(two_people_authority())
    reject_request(
        asked, reason="not needed", by=with_role("other", Role.APPROVER), now=timezone.now()
    )
    assert SealedKey.objects.filter(purpose="certificate-key").count() == 0
    with pytest.raises(AlreadyDecided):
        approved(SigningRequest.objects.select_related("authority").get())


def test_no_other_door_signs_under_such_a_profile() -> None:
    authority = two_people_authority()
    spec = load_request_spec({"CN": "x", "key": P256})
    choices = IssueChoices(profile=PROFILE, file_base="x", override_reason=REASON)
    with pytest.raises(NeedsTwoPeople):
        issue_certificate(authority, spec, choices, by=ANA, now=timezone.now())
    asked = hand_in(authority)
    with pytest.raises(NeedsTwoPeople):
        sign_request(asked, Decision(profile=PROFILE), by=ANA, now=timezone.now())
    assert not Certificate.objects.exists()


def test_somebodys_request_is_frozen_when_it_comes_in_and_waits_again_when_it_expires() -> None:
    asked, later = hand_in(two_people_authority()), timezone.now() + LATER
    assert asked.is_held
    expire_proposals(later)
    asked.refresh_from_db()
    assert (asked.state, asked.is_held) == (State.PENDING, False)
    asker = with_role("asker", Role.APPROVER)
    hold_request(asked, Decision(profile=PROFILE), by=asker, now=later)
    with pytest.raises(SelfApproval):
        approved(asked, by=asker, now=later)
    assert tbs_of(approved(asked, now=later)) == asked.tbs_sha256


@pytest.mark.parametrize("same_key", [True, False])
def test_a_renewal_waits_too_and_its_predecessor_is_renewed_by_it(same_key: bool) -> None:
    authority = make_authority()
    before = make_certificate(authority, "aggregator")
    set_in_profile(authority, two_people=True)
    authority.refresh_from_db()
    issue = IssueChoices(profile=PROFILE, file_base="again", end_with_authority=True)
    choices = RenewChoices(authority=authority, issue=issue, same_key=same_key)
    spec = parse_request_spec(spec_to_begin_with(before))
    asker = with_role("asker", Role.ISSUER)
    asked = ask_renewal(before, spec, choices, by=asker, now=timezone.now())
    assert isinstance(asked, SigningRequest)
    made = approved(SigningRequest.objects.select_related("authority__key").get(pk=asked.pk))
    assert (made.predecessor, made.spki_sha256 == before.spki_sha256) == (before, same_key)
    assert made.key is not None
    assert tbs_of(made) == asked.tbs_sha256


def test_a_name_of_power_needs_an_administrator_who_did_not_ask() -> None:
    authority = make_authority()
    given: dict[str, Any] = {"names": MASTERS, "choices": {"power_reason": REASON}}
    with pytest.raises(ReservedIdentity):
        ask(authority, names=MASTERS)
    asked = held(authority, **given)
    with pytest.raises(PermissionDenied):
        approved(asked)
    made = approved(asked, by=with_role("chief", Role.ADMINISTRATOR))
    assert made.override_reason == REASON
    assert Entry.objects.latest("pk").detail["dangers"] == ["reserved-administrators"]


def test_a_predecessor_of_power_does_not_renew_silently() -> None:
    authority = make_authority()
    chief = with_role("chief", Role.ADMINISTRATOR)
    given: dict[str, Any] = {"names": MASTERS, "choices": {"power_reason": REASON}}
    before = approved(held(authority, **given), by=chief)
    choices = RenewChoices(
        authority=authority,
        issue=IssueChoices(profile=PROFILE, file_base="again", end_with_authority=True),
    )
    spec = parse_request_spec(spec_to_begin_with(before))
    with pytest.raises(ReservedIdentity):
        ask_renewal(before, spec, choices, by=chief, now=timezone.now())


def test_a_profile_has_either_two_people_or_nobody() -> None:
    profile = {"expiry": "1h", "auto_sign": True, "two_people": True, "usages": ["signing"]}
    text = dump_json({"signing": {"default": {"expiry": "1h"}, "profiles": {"a": profile}}})
    with pytest.raises(InvalidFields, match="Keep one of the two"):
        parse_config(text)
