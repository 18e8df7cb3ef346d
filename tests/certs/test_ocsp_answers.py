"""Answers about certificates (RFC 6960), asked without signing in."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Kind, OcspAnswer, Reason
from aggportal.certs.services.responders import responder_of
from aggportal.certs.services.revoking import (
    RevocationChoices,
    release_certificate,
    revoke_certificates,
)
from aggportal.ledger.models import Entry
from aggportal.pki.ocsp import MAX_QUESTION
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.status_asked import NONCE, SHA1, get, loaded, post, question, said

pytestmark = pytest.mark.django_db
STATUS, ANSWER = ocsp.OCSPResponseStatus, ocsp.OCSPCertStatus


@pytest.fixture
def certificate(db) -> Certificate:
    return make_certificate(make_authority())


@pytest.fixture
def authority(certificate) -> Authority:
    return certificate.authority


def revoke(certificate: Certificate, reason: Reason = Reason.KEY_COMPROMISE) -> None:
    choices = RevocationChoices(reason=reason)
    revoke_certificates([certificate.pk], choices, by=ANA, now=timezone.now())


@pytest.mark.parametrize("algorithm", [SHA1, hashes.SHA256()], ids=["sha1", "sha256"])
def test_a_certificate_of_ours_is_good_by_post_and_by_get(
    authority, certificate, algorithm
) -> None:
    asked = question(certificate, algorithm=algorithm)
    for response in (post(authority, asked), get(authority, asked)):
        answer = said(response)
        assert answer.response_status == STATUS.SUCCESSFUL
        assert answer.certificate_status == ANSWER.GOOD
        assert f"{answer.serial_number:040x}" == certificate.serial
        assert isinstance(answer.hash_algorithm, type(algorithm))


def test_the_answer_is_signed_by_a_responder_that_the_authority_appointed(
    authority, certificate
) -> None:
    answer = said(post(authority, question(certificate)))
    signer = answer.certificates[0]
    signer.verify_directly_issued_by(loaded(authority))
    usages = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING]
    assert signer.extensions.get_extension_for_class(x509.OCSPNoCheck)
    row = Certificate.objects.get(kind=Kind.RESPONDER)
    assert (row.exportable, row.key_leaves) == (False, False)
    issued = Entry.objects.filter(action="certificate.issued", actor_name="ocsp-responder")
    assert [entry.outcome for entry in issued.order_by("seq")] == ["intended", "done"]


def test_a_nonce_comes_back_and_such_an_answer_is_not_kept(authority, certificate) -> None:
    response = get(authority, question(certificate, nonce=NONCE))
    nonce = said(response).extensions.get_extension_for_class(x509.OCSPNonce)
    assert nonce.value.nonce == NONCE
    assert response["Cache-Control"] == "no-store"
    assert not OcspAnswer.objects.exists()


def test_a_revocation_and_a_release_change_the_answer_at_once(authority, certificate) -> None:
    asked = question(certificate)
    assert said(post(authority, asked)).certificate_status == ANSWER.GOOD
    assert OcspAnswer.objects.count() == 1
    revoke(certificate, Reason.HOLD)
    held = said(post(authority, asked))
    assert held.certificate_status == ANSWER.REVOKED
    assert held.revocation_reason == x509.ReasonFlags.certificate_hold
    release_certificate(certificate, by=ANA, now=timezone.now())
    assert said(post(authority, asked)).certificate_status == ANSWER.GOOD
    revoke(certificate, Reason.UNSPECIFIED)
    revoked = said(post(authority, asked))
    assert (revoked.certificate_status, revoked.revocation_reason) == (ANSWER.REVOKED, None)


def test_a_serial_that_we_never_gave_is_unknown_and_not_kept(authority, certificate) -> None:
    answer = said(post(authority, question(certificate, serial=7)))
    assert answer.certificate_status == ANSWER.UNKNOWN
    assert not OcspAnswer.objects.exists()


def test_a_certificate_of_another_issuer_is_not_ours_to_judge(authority) -> None:
    other = make_certificate(make_authority("other"))
    answer = said(post(authority, question(other)))
    assert answer.response_status == STATUS.UNAUTHORIZED


@pytest.mark.parametrize("body", [b"", b"0", b"\x30\x00", b"\x30\x80\x00\x00", b"x" * 200])
def test_what_is_no_question_is_malformed(authority, body) -> None:
    response = post(authority, body)
    assert said(response).response_status == STATUS.MALFORMED_REQUEST
    assert response["Cache-Control"] == "no-store"


def test_an_address_that_is_no_base64_is_malformed(authority, client) -> None:
    path = reverse("certs:ocsp_get", args=[authority.slug, "no base64!"])
    assert said(client.get(path)).response_status == STATUS.MALFORMED_REQUEST


def test_nonces_of_a_wrong_length_are_malformed(authority, certificate) -> None:
    for nonce in (b"", b"n" * 129):
        answer = said(post(authority, question(certificate, nonce=nonce)))
        assert answer.response_status == STATUS.MALFORMED_REQUEST


def test_an_oversized_body_is_refused_unread(authority) -> None:
    assert post(authority, b"x" * (MAX_QUESTION + 1)).status_code == 413


def test_an_answer_by_get_may_be_kept_for_a_while(authority, certificate) -> None:
    asked = question(certificate)
    response = get(authority, asked)
    assert response["Cache-Control"] == "public, max-age=300, no-transform, must-revalidate"
    assert response["Last-Modified"]
    assert response["Expires"]
    again = get(authority, asked, **{"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert get(authority, asked).content == response.content
    for each in (response, again):
        assert "Vary" not in each.headers
        assert "Content-Language" not in each.headers


def test_wrong_methods_and_unknown_authorities_are_refused(authority, certificate, client) -> None:
    assert client.get(reverse("certs:ocsp_post", args=[authority.slug])).status_code == 405
    asked = reverse("certs:ocsp_get", args=[authority.slug, "MAA="])
    assert client.post(asked).status_code == 405
    assert client.post(reverse("certs:ocsp_post", args=["nobody"])).status_code == 404


def test_the_responder_is_renewed_when_a_third_of_its_life_is_left(authority) -> None:
    now = timezone.now()
    first = responder_of(authority, now=now)
    assert responder_of(authority, now=now + dt.timedelta(days=19)) == first
    second = responder_of(authority, now=now + dt.timedelta(days=21))
    assert second != first
    assert second.not_after > first.not_after


def test_a_revoked_responder_signs_no_more_and_its_answers_go(authority, certificate) -> None:
    said(post(authority, question(certificate)))
    first = Certificate.objects.get(kind=Kind.RESPONDER)
    revoke(first)
    assert not OcspAnswer.objects.exists()
    answer = said(post(authority, question(certificate)))
    assert f"{answer.certificates[0].serial_number:040x}" != first.serial


def test_an_authority_that_has_ended_answers_for_nothing() -> None:
    long_ago = timezone.now() - dt.timedelta(days=400)
    ended = make_authority("ended", expiry="8000h", now=long_ago)
    certificate = make_certificate(ended, now=long_ago)
    answer = said(post(ended, question(certificate)))
    assert answer.response_status == STATUS.UNAUTHORIZED
