"""Revoking, holding and releasing: what changes, what is refused, what is recorded."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from aggportal.certs.models import Certificate, Origin, Reason
from aggportal.certs.services.revoking import (
    MOST_AT_ONCE,
    AlreadyRevoked,
    CannotRevoke,
    NotOnHold,
    RevocationChoices,
    release_certificate,
    revoke_certificates,
)
from aggportal.ledger.models import Entry
from aggportal.ledger.verifying import verify_chain
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.status_asked import newest_list

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def certificate(db) -> Certificate:
    return make_certificate(make_authority())


def revoke(*certificates: Certificate, reason: Reason = Reason.SUPERSEDED, now=None):
    pks = [certificate.pk for certificate in certificates]
    choices = RevocationChoices(reason=reason)
    return revoke_certificates(pks, choices, by=ANA, now=now or timezone.now())


def recorded(action: str) -> list[str]:
    return [entry.detail["how"] for entry in Entry.objects.filter(action=action).order_by("seq")]


@pytest.mark.parametrize("reason", Reason.values)
def test_every_reason_is_kept_listed_and_recorded(certificate, reason) -> None:
    revoke(certificate, reason=Reason(reason))
    certificate.refresh_from_db()
    assert (certificate.is_revoked, certificate.revoked_by) == (True, "ana")
    assert certificate.revocation_reason == reason
    assert len(newest_list(certificate.authority)) == 1
    assert recorded("certificate.revoked") == [reason]
    assert verify_chain().broken_at is None


def test_a_revocation_is_final(certificate) -> None:
    revoke(certificate)
    with pytest.raises(AlreadyRevoked):
        revoke(certificate, reason=Reason.KEY_COMPROMISE)
    with pytest.raises(NotOnHold):
        release_certificate(certificate, by=ANA, now=timezone.now())
    assert recorded("certificate.revoked") == ["superseded"]


def test_what_is_on_hold_is_released_as_if_nothing_had_been(certificate) -> None:
    revoke(certificate, reason=Reason.HOLD)
    release_certificate(certificate, by=ANA, now=timezone.now())
    certificate.refresh_from_db()
    assert (certificate.is_revoked, certificate.revoked_by, certificate.revocation_reason) == (
        False,
        "",
        "",
    )
    assert recorded("certificate.released") == [""]
    with pytest.raises(NotOnHold):
        release_certificate(certificate, by=ANA, now=timezone.now())


def test_what_is_on_hold_can_be_revoked_for_good_since_then(certificate) -> None:
    begun = timezone.now() - DAY
    revoke(certificate, reason=Reason.HOLD, now=begun)
    with pytest.raises(AlreadyRevoked):
        revoke(certificate, reason=Reason.HOLD)
    revoke(certificate, reason=Reason.KEY_COMPROMISE)
    certificate.refresh_from_db()
    assert (certificate.revoked_at, certificate.is_held) == (begun, False)
    assert recorded("certificate.revoked") == ["certificateHold", "keyCompromise"]


def test_many_are_revoked_together_with_one_list_for_each_authority() -> None:
    first, second = make_authority("first"), make_authority("second")
    many = [make_certificate(first, f"c{number}") for number in range(3)]
    many.append(make_certificate(second, "other"))
    revoke(*many)
    assert (len(newest_list(first)), first.crls.count()) == (3, 1)
    assert (len(newest_list(second)), second.crls.count()) == (1, 1)
    assert len(recorded("certificate.revoked")) == 4


def test_of_many_either_all_are_revoked_or_none(certificate) -> None:
    other = make_certificate(certificate.authority, "other")
    revoke(certificate)
    with pytest.raises(AlreadyRevoked):
        revoke(other, certificate)
    other.refresh_from_db()
    assert not other.is_revoked
    assert certificate.authority.crls.count() == 1


def test_what_cannot_be_revoked_here_says_why() -> None:
    authority, now = make_authority(), timezone.now()
    expired = make_certificate(authority, "expired", now=now - 3650 * DAY)
    foreign = make_certificate(authority, "foreign")
    Certificate.objects.filter(pk=foreign.pk).update(
        authority=None, request=None, origin=Origin.IMPORTED
    )
    for row, words in ((expired, "has expired"), (foreign, "None of the authorities")):
        with pytest.raises(CannotRevoke, match=words):
            revoke(row)


def test_none_too_many_and_unknown_ones_are_refused(certificate) -> None:
    choices = RevocationChoices(reason=Reason.SUPERSEDED)
    for pks in ([], range(1, MOST_AT_ONCE + 2), [certificate.pk, certificate.pk + 1]):
        with pytest.raises(CannotRevoke):
            revoke_certificates(pks, choices, by=ANA, now=timezone.now())
    certificate.refresh_from_db()
    assert not certificate.is_revoked
