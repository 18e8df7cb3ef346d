"""Signing requests as a service: they wait, are decided once, and the ledger has it all."""

from __future__ import annotations

import pytest
from cryptography import x509
from django.utils import timezone

from aggportal.certs.models import (
    Authority,
    Certificate,
    Lane,
    Mode,
    SealedKey,
    SigningRequest,
    State,
)
from aggportal.certs.services.files import NoPrivateKey, public_files, take_key
from aggportal.certs.services.keys import open_key
from aggportal.certs.services.received import (
    AlreadyDecided,
    Decision,
    NeedsReason,
    reject_request,
    sign_request,
)
from aggportal.certs.services.receiving import AlreadyWaits, receive_request
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.csrplanning import Changes
from aggportal.pki.csrreading import read_csr
from aggportal.pki.errors import InvalidKey, PkiError, ReservedIdentity, WantsAuthority
from aggportal.vault.errors import CannotOpen
from tests.certs.chains_made import ask_for_authority
from tests.certs.makers import ANA, make_authority, open_authority_key
from tests.certs.requests_made import PROFILE, hand_in, set_in_profile
from tests.pki.csrs_made import ca, csr, der, p256

pytestmark = pytest.mark.django_db
AS_ASKED = Decision(profile=PROFILE)


def sign(asked: SigningRequest, decision: Decision = AS_ASKED) -> Certificate:
    return sign_request(asked, decision, by=ANA, now=timezone.now())


def reject(asked: SigningRequest, reason: str = "not ours") -> None:
    reject_request(asked, reason=reason, by=ANA, now=timezone.now())


def told(action: str) -> list[str]:
    return [entry.outcome for entry in Entry.objects.filter(action=action).order_by("seq")]


def test_a_request_waits_and_is_recorded() -> None:
    asked = hand_in(make_authority())
    assert (asked.state, asked.subject) == (State.PENDING, "O=k8s, CN=web")
    assert told("request.received") == [Outcome.DONE]
    assert not Certificate.objects.exists()


def test_the_signed_certificate_is_for_the_requesters_key_and_no_key_is_kept() -> None:
    authority = make_authority()
    keys = SealedKey.objects.count()
    certificate = sign(hand_in(authority))
    signed = x509.load_pem_x509_certificate(certificate.material.pem.encode())
    signed.verify_directly_issued_by(
        x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    )
    assert signed.public_key() == p256().public_key()
    assert (certificate.key, SealedKey.objects.count()) == (None, keys)
    assert certificate.names == "dns a.example"
    with pytest.raises(NoPrivateKey):
        take_key(certificate, how="file", by=ANA, now=timezone.now())
    assert "web.csr" in [file.name for file in public_files(certificate)]


def test_the_intent_is_recorded_before_the_deed() -> None:
    asked = hand_in(make_authority())
    certificate = sign(asked)
    assert told("certificate.issued") == [Outcome.INTENDED, Outcome.DONE]
    done = Entry.objects.get(action="certificate.issued", outcome=Outcome.DONE)
    assert done.detail["csr_sha256"] == asked.csr_sha256
    assert done.detail["serial"] == certificate.serial == asked.serial
    assert (done.detail["changed_names"], done.detail["changed_subject"]) == (False, False)


def test_a_decided_request_stays_decided() -> None:
    asked = hand_in(make_authority())
    sign(asked)
    for again in (sign, reject):
        with pytest.raises(AlreadyDecided):
            again(SigningRequest.objects.get(pk=asked.pk))
    assert Certificate.objects.count() == 1
    assert told("request.rejected") == []


def test_a_rejected_request_keeps_its_reason_and_is_never_signed() -> None:
    asked = hand_in(make_authority())
    with pytest.raises(NeedsReason):
        reject(asked, "  ")
    reject(asked)
    stored = SigningRequest.objects.get()
    assert (stored.state, stored.reason, stored.decided_by) == (State.REJECTED, "not ours", "ana")
    assert Entry.objects.get(action="request.rejected").detail["reason"] == "not ours"
    with pytest.raises(AlreadyDecided):
        sign(stored)
    assert not Certificate.objects.exists()


def test_the_same_request_waits_once_and_may_come_again_after_a_decision() -> None:
    authority, facts = make_authority(), read_csr(der(csr()))

    def ask(of: Authority) -> SigningRequest:
        return receive_request(of, facts, profile=PROFILE, by=ANA, now=timezone.now())

    first = ask(authority)
    with pytest.raises(AlreadyWaits):
        ask(authority)
    ask(make_authority("other"))
    reject(first)
    ask(authority)
    assert SigningRequest.objects.waiting().count() == 2


def test_changes_are_signed_and_recorded() -> None:
    asked = hand_in(make_authority())
    changes = Changes(hosts=("b.example", "10.0.0.1"))
    certificate = sign(asked, Decision(profile="aggregator", changes=changes))
    assert (certificate.names, certificate.profile) == ("dns b.example\nip 10.0.0.1", "aggregator")
    done = Entry.objects.get(action="certificate.issued", outcome=Outcome.DONE)
    assert done.detail["changed_names"] is True
    asked.refresh_from_db()
    assert asked.profile == "aggregator"


def test_auto_sign_signs_at_once_but_nothing_dangerous() -> None:
    authority = make_authority()
    set_in_profile(authority, auto_sign=True)
    assert hand_in(authority).state == State.ISSUED
    waits = hand_in(authority, subject=[("CN", "system:node:a")])
    assert waits.state == State.PENDING
    for reason in ("", "a node that joins"):
        with pytest.raises(ReservedIdentity):
            sign(waits, Decision(profile=PROFILE, override_reason=reason))


def test_the_administrators_group_waits_for_a_reason() -> None:
    asked = hand_in(make_authority(), subject=[("O", "system:masters"), ("CN", "x")])
    with pytest.raises(ReservedIdentity):
        sign(asked)
    assert SigningRequest.objects.get().state == State.PENDING


def test_the_key_of_an_authority_of_ours_is_refused() -> None:
    authority = make_authority()
    other = make_authority("other", lane=Lane.SERVING)
    with pytest.raises(InvalidKey, match="other"):
        hand_in(authority, key=open_authority_key(other))


def test_the_key_of_an_authority_to_be_is_refused() -> None:
    authority, own = make_authority(), ask_for_authority()
    with pytest.raises(InvalidKey, match="outside CA"):
        hand_in(authority, key=open_key(own.key, spki=own.spki_sha256))


def test_ca_true_is_refused_at_the_door() -> None:
    with pytest.raises(WantsAuthority):
        hand_in(make_authority(), extensions=(ca(),))


def test_a_profile_that_changed_meanwhile_decides() -> None:
    authority = make_authority()
    asked = hand_in(authority)
    set_in_profile(authority, name_whitelist="^nothing$")
    with pytest.raises(PkiError, match="name_whitelist"):
        sign(SigningRequest.objects.get(pk=asked.pk))
    assert SigningRequest.objects.get().state == State.PENDING


def test_a_swapped_authority_key_signs_nothing_and_that_is_recorded() -> None:
    first, second = make_authority("a"), make_authority("b")
    asked = hand_in(first)
    stolen = second.key
    SealedKey.objects.filter(pk=first.key.pk).update(
        ciphertext=stolen.ciphertext, nonce=stolen.nonce, wrapped_key=stolen.wrapped_key
    )
    with pytest.raises(CannotOpen):
        sign(SigningRequest.objects.get(pk=asked.pk))
    assert SigningRequest.objects.get().state == State.FAILED
    assert told("certificate.issued") == [Outcome.INTENDED, Outcome.FAILED]


def test_a_compat_authority_lets_it_outlive_itself_as_cfssl_does() -> None:
    authority = make_authority(mode=Mode.COMPAT, expiry="100h")
    assert sign(hand_in(authority)).not_after > authority.not_after
    strict = make_authority("strict", expiry="100h")
    assert sign(hand_in(strict)).not_after == strict.not_after


def test_a_certificate_never_takes_its_authoritys_file_names() -> None:
    authority = make_authority("web")
    assert sign(hand_in(authority)).file_base == "web-signed"
