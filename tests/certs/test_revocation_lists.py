"""Revocation lists: what they say, how they are numbered, sent and kept fresh."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from django.urls import reverse
from django.utils import timezone

from aggportal.certs import jobs
from aggportal.certs.models import Authority, Certificate, Reason, RevocationList
from aggportal.certs.services.crls import KEPT, publish_crl, publish_if_unchanged
from aggportal.certs.services.revoking import (
    RevocationChoices,
    release_certificate,
    revoke_certificates,
)
from aggportal.ledger.models import Entry
from aggportal.pki.keys import require_allowed_key
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.status_asked import loaded, newest_list, number_of

pytestmark = pytest.mark.django_db
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def authority(db) -> Authority:
    return make_authority()


def revoke(certificate: Certificate, reason: Reason = Reason.UNSPECIFIED, **rest) -> None:
    now = rest.pop("now", None) or timezone.now()
    choices = RevocationChoices(reason=reason, **rest)
    revoke_certificates([certificate.pk], choices, by=ANA, now=now)


def fetched(client, authority: Authority, **headers: str):
    return client.get(reverse("certs:crl_file", args=[authority.slug]), headers=headers)


def entry_of(authority: Authority, certificate: Certificate) -> x509.RevokedCertificate | None:
    serial = int(certificate.serial, 16)
    return newest_list(authority).get_revoked_certificate_by_serial_number(serial)


def test_a_list_is_the_authoritys_own_and_names_its_number_and_key(authority) -> None:
    publish_crl(authority, by=ANA, now=timezone.now())
    crl, issuer = newest_list(authority), loaded(authority)
    assert crl.is_signature_valid(require_allowed_key(issuer.public_key()))
    assert crl.issuer == issuer.subject
    assert {extension.oid._name for extension in crl.extensions} == {
        "authorityKeyIdentifier",
        "cRLNumber",
    }
    assert crl.next_update_utc == crl.last_update_utc + 7 * DAY


def test_revoking_publishes_a_list_with_the_reason(authority) -> None:
    certificate, since = make_certificate(authority), timezone.now() - DAY
    revoke(certificate, Reason.KEY_COMPROMISE, invalid_since=since)
    entry = entry_of(authority, certificate)
    assert entry is not None
    reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    date = entry.extensions.get_extension_for_class(x509.InvalidityDate).value
    assert reason == x509.ReasonFlags.key_compromise
    assert date.invalidity_date_utc == since.replace(microsecond=0)


def test_an_unspecified_reason_is_left_out(authority) -> None:
    certificate = make_certificate(authority)
    revoke(certificate)
    entry = entry_of(authority, certificate)
    assert entry is not None
    assert not list(entry.extensions)


def test_a_release_takes_the_entry_off_under_a_higher_number(authority) -> None:
    certificate = make_certificate(authority)
    revoke(certificate, Reason.HOLD)
    assert entry_of(authority, certificate) is not None
    first = number_of(newest_list(authority))
    release_certificate(certificate, by=ANA, now=timezone.now())
    assert entry_of(authority, certificate) is None
    assert number_of(newest_list(authority)) == first + 1


def test_an_expired_certificate_stays_for_one_list_beyond_its_end(authority) -> None:
    now = timezone.now()
    certificate = make_certificate(authority, now=now)
    revoke(certificate, now=now)
    end = certificate.not_after
    for when, is_listed in ((end - HOUR, True), (end + HOUR, True), (end + 2 * HOUR, False)):
        authority.refresh_from_db()
        publish_crl(authority, by=ANA, now=when)
        assert (entry_of(authority, certificate) is not None) == is_listed, when


def test_the_list_is_sent_to_everybody_and_may_be_kept_for_a_while(authority, client) -> None:
    response = fetched(client, authority)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pkix-crl"
    assert response["Cache-Control"] == "public, max-age=300, no-transform, must-revalidate"
    assert response.content == bytes(RevocationList.objects.get().der)
    for header in ("ETag", "Last-Modified"):
        asked = "If-None-Match" if header == "ETag" else "If-Modified-Since"
        again = fetched(client, authority, **{asked: response[header]})
        assert (again.status_code, again.content) == (304, b"")
    head = client.head(reverse("certs:crl_file", args=[authority.slug]))
    assert (head.status_code, head.content) == (200, b"")
    assert head["ETag"] == response["ETag"]


def test_the_authoritys_certificate_is_sent_to_everybody(authority, client) -> None:
    response = client.get(reverse("certs:issuer_file", args=[authority.slug]))
    assert response["Content-Type"] == "application/pkix-cert"
    assert x509.load_der_x509_certificate(response.content) == loaded(authority)
    assert client.post(reverse("certs:issuer_file", args=[authority.slug])).status_code == 405


def test_nobody_and_a_wrong_method_are_refused(authority, client) -> None:
    assert client.get(reverse("certs:crl_file", args=["nobody"])).status_code == 404
    assert client.post(reverse("certs:crl_file", args=[authority.slug])).status_code == 405


def test_a_stale_list_is_signed_anew_when_it_is_asked_for(authority, client) -> None:
    publish_crl(authority, by=ANA, now=timezone.now() - 8 * DAY)
    fetched(client, authority)
    fetched(client, authority)
    assert [row.number for row in RevocationList.objects.all()] == [2, 1]


def test_who_read_an_older_number_publishes_nothing(authority) -> None:
    now = timezone.now()
    first = publish_if_unchanged(authority, by=ANA, now=now)
    assert first is not None
    assert first.number == 1
    assert publish_if_unchanged(authority, by=ANA, now=now) is None


def test_the_worker_publishes_first_lists_and_before_they_go_stale(authority) -> None:
    now = timezone.now()
    for when, number in ((now, 1), (now + 4 * DAY, 1), (now + 5 * DAY, 2), (now + 6 * DAY, 2)):
        jobs.publish_lists(when)
        assert number_of(newest_list(authority)) == number, when
    published = Entry.objects.filter(action="crl.published", actor_name="worker")
    assert published.count() == 2


def test_a_list_that_could_not_be_signed_is_made_up_for(authority, client) -> None:
    certificate, now = make_certificate(authority), timezone.now()
    publish_crl(authority, by=ANA, now=now)
    key = authority.key
    sealed, key.ciphertext = key.ciphertext, b"damaged"
    key.save()
    revoke(certificate, now=now)
    certificate.refresh_from_db()
    assert certificate.is_revoked
    assert entry_of(authority, certificate) is None
    jobs.publish_lists(now)
    assert fetched(client, authority).status_code == 200
    key.ciphertext = sealed
    key.save()
    jobs.publish_lists(now)
    assert entry_of(authority, certificate) is not None
    assert number_of(newest_list(authority)) == 3


def test_old_lists_are_dropped(authority) -> None:
    now = timezone.now()
    for number in range(KEPT + 3):
        publish_crl(authority, by=ANA, now=now + number * HOUR)
    jobs.drop_old_status(now)
    numbers = [row.number for row in RevocationList.objects.all()]
    assert numbers == list(range(KEPT + 3, 3, -1))


def test_an_authority_that_has_ended_keeps_its_last_list(client) -> None:
    long_ago = timezone.now() - 400 * DAY
    ended = make_authority("ended", expiry="8000h", now=long_ago)
    publish_crl(ended, by=ANA, now=long_ago)
    jobs.publish_lists(timezone.now())
    response = fetched(client, ended)
    assert response["Cache-Control"].startswith("public, max-age=0,")
    assert RevocationList.objects.count() == 1


def test_what_is_published_does_not_depend_on_who_asks(authority, client_of, viewer) -> None:
    vera = client_of(viewer)
    for response in (fetched(vera, authority), fetched(vera, make_authority("other"))):
        assert "Vary" not in response.headers
        assert "Content-Language" not in response.headers
        assert not response.cookies
