"""Key and CSR here, the certificate from elsewhere: matched by key, kept once."""

from __future__ import annotations

import pytest
from cryptography import x509
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Kind, Lane, Origin, OwnRequest, SealedKey
from aggportal.certs.services.answering import read_answer, settle
from aggportal.certs.services.files import take_key
from aggportal.certs.services.own_requests import (
    AlreadyAnswered,
    OwnKeyStays,
    drop_own_request,
    take_own_key,
)
from aggportal.certs.services.received import Decision, sign_request
from aggportal.certs.services.receiving import receive_request
from aggportal.ledger.models import Entry
from aggportal.ledger.verifying import verify_chain
from aggportal.pki.csrreading import read_csr
from aggportal.pki.errors import InvalidCertificate, KeyMismatch, LaneMixed, NotAnAuthority
from aggportal.pki.keys import load_private_key, spki_sha256
from aggportal.pki.returned import differences, doubts
from tests.certs.chains_made import answered, ask, ask_for_authority, outside, signing_link
from tests.certs.makers import ANA, make_authority
from tests.pki.paths_made import link, name_of

pytestmark = pytest.mark.django_db


def bring(text, **rest):
    return settle(read_answer(text), by=ANA, now=timezone.now(), **rest)


def test_key_and_csr_belong_together_and_the_key_is_sealed():
    own = ask()
    csr = x509.load_pem_x509_csr(own.csr_pem.encode())
    assert csr.is_signature_valid
    assert read_csr(own.csr_pem).spki_sha256 == own.spki_sha256
    assert b"PRIVATE" not in bytes(own.key.ciphertext)
    assert own.is_open
    entry = Entry.objects.get(action="own_request.created")
    assert entry.detail["spki_sha256"] == own.spki_sha256


def test_what_comes_back_is_matched_by_its_key_among_many():
    ca = outside()
    ask("first", hosts=("a.example.com",))
    own = ask()
    ask("third", hosts=("c.example.com",))
    made = bring(answered(own.csr_pem, ca) + ca.facts.pem)
    own.refresh_from_db()
    assert own.certificate == made
    assert (made.origin, made.authority, made.request) == (Origin.RETURNED, None, None)
    assert made.key == own.key
    assert made.chain_pem == ca.facts.pem
    assert made.issuer_text == ca.facts.subject
    assert OwnRequest.objects.filter(answered_at=None).count() == 2
    assert made.name_entries.filter(kind="dns", value="web.example.com").exists()


def test_the_key_can_be_taken_before_and_after_and_each_time_it_is_recorded():
    own = ask()
    before = take_own_key(own, by=ANA, now=timezone.now())
    made = bring(answered(own.csr_pem, outside()))
    after = take_key(made, how="file", by=ANA, now=timezone.now())
    assert spki_sha256(load_private_key(before).public_key()) == own.spki_sha256
    assert before == after
    assert Entry.objects.filter(action="own_request.key_taken").count() == 1
    assert Entry.objects.filter(action="certificate.key_taken").count() == 1


def test_a_key_that_stays_or_is_an_authoritys_is_not_taken():
    for own in (ask(exportable=False), ask_for_authority()):
        with pytest.raises(OwnKeyStays):
            take_own_key(own, by=ANA, now=timezone.now())
    assert not Entry.objects.filter(action="own_request.key_taken").exists()


def test_a_certificate_for_another_key_is_refused_in_words():
    ask()
    stranger = link("stranger", ca=False)
    with pytest.raises(KeyMismatch, match="No certificate in it is for a key"):
        read_answer(stranger.facts.pem)
    with pytest.raises(InvalidCertificate, match="signing request"):
        read_answer(ask("other", hosts=()).csr_pem)


def test_an_answer_counts_once():
    own, ca = ask(), outside()
    text = answered(own.csr_pem, ca)
    bring(text)
    with pytest.raises(AlreadyAnswered):
        read_answer(text)
    with pytest.raises(AlreadyAnswered):
        drop_own_request(own, by=ANA, now=timezone.now())
    assert Certificate.objects.count() == 1


def test_two_answers_in_one_bundle_are_refused():
    ca = outside()
    first, second = ask(), ask("second", hosts=("s.example.com",))
    with pytest.raises(InvalidCertificate, match="one at a time"):
        read_answer(answered(first.csr_pem, ca) + answered(second.csr_pem, ca))


def test_what_came_back_otherwise_is_told():
    own, ca = ask(), outside()
    text = answered(own.csr_pem, ca, names=("other.example.com",), subject=name_of("other"))
    told = " ".join(map(str, differences(own.csr_pem, read_answer(text).facts)))
    for piece in ("CN=other", "dns web.example.com", "dns other.example.com"):
        assert piece in told
    same = read_answer(answered(own.csr_pem, ca)).facts
    assert differences(own.csr_pem, same) == ()


@pytest.mark.parametrize(("days", "word"), [((-9, -1), "expired"), ((1, 9), "only from")])
def test_a_certificate_out_of_its_time_is_doubted_but_kept(days, word):
    own = ask()
    text = answered(own.csr_pem, outside(), days=days)
    (doubt,) = doubts(read_answer(text).facts, now=timezone.now())
    assert word in str(doubt)
    assert bring(text).pk


def test_a_dropped_request_is_gone_with_its_key():
    own = ask()
    drop_own_request(own, by=ANA, now=timezone.now())
    assert not OwnRequest.objects.exists()
    assert not SealedKey.objects.exists()
    assert Entry.objects.filter(action="own_request.dropped").count() == 1
    assert verify_chain().broken_at is None


def test_one_that_we_signed_ourselves_gets_its_key():
    authority = make_authority("serving-ca", lane=Lane.SERVING)
    own = ask("api", hosts=("api.wardle.svc",))
    csr = read_csr(own.csr_pem)
    asked = receive_request(authority, csr, profile="extension-serving", by=ANA, now=timezone.now())
    signed = sign_request(asked, Decision(profile="extension-serving"), by=ANA, now=timezone.now())
    made = bring(signed.material.pem)
    assert made == signed
    assert made.key == own.key
    assert made.origin == Origin.ISSUED


def test_an_authority_comes_back_from_outside_and_issues():
    own, ca = ask_for_authority(), outside()
    made = bring(answered(own.csr_pem, ca, ca=True) + ca.facts.pem)
    assert isinstance(made, Authority)
    assert (made.parent, made.issued_as, made.chain_pem) == (None, None, ca.facts.pem)
    assert not made.is_root
    assert made.key == own.key
    assert Entry.objects.filter(action="authority.created").count() == 1


def test_an_authority_that_one_of_ours_signed_elsewhere_stands_below_it():
    ours = make_authority("root", lane=Lane.SERVING)
    own = ask_for_authority()
    signer = signing_link(ours)
    made = bring(answered(own.csr_pem, signer, ca=True))
    assert made.parent == ours
    assert (made.issued_as.kind, made.issued_as.key) == (Kind.AUTHORITY, None)
    assert made.issued_as.authority == ours
    assert made.issued_as.origin == Origin.RETURNED


def test_an_authority_below_another_lane_needs_a_reason():
    ours = make_authority("root", lane=Lane.FRONT_PROXY)
    text = answered(ask_for_authority().csr_pem, signing_link(ours), ca=True)
    with pytest.raises(LaneMixed):
        bring(text)
    assert OwnRequest.objects.get().is_open
    made = bring(text, override_reason="a laboratory that is gone tomorrow")
    assert made.override_reason == "a laboratory that is gone tomorrow"


def test_the_purpose_must_fit_what_comes_back():
    ca = outside()
    with pytest.raises(NotAnAuthority):
        read_answer(answered(ask_for_authority().csr_pem, ca))
    with pytest.raises(InvalidCertificate, match="CA:TRUE"):
        read_answer(answered(ask().csr_pem, ca, ca=True))


def test_a_short_name_that_is_taken_meanwhile_gives_way():
    own, ca = ask_for_authority("sub"), outside()
    make_authority("sub", lane=Lane.SERVING)
    made = bring(answered(own.csr_pem, ca, ca=True) + ca.facts.pem)
    assert made.slug == "sub-2"
