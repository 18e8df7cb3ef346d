"""Issuing as a service: intent first, all or nothing, and keys that only their own record opens."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
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
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.files import bundle, take_key
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.verifying import verify_chain
from aggportal.pki.errors import (
    InvalidCertificate,
    InvalidField,
    OutlivesIssuer,
    ReservedIdentity,
    UnknownProfile,
)
from aggportal.pki.keys import load_private_key, spki_sha256
from aggportal.pki.requests import load_request_spec
from aggportal.vault.errors import CannotOpen
from tests.certs.makers import ANA, P256, make_authority, make_certificate, preset_config

pytestmark = pytest.mark.django_db


def issue(authority: Authority, document: dict[str, object], **choices: object) -> Certificate:
    chosen: dict[str, Any] = {"profile": "front-proxy-client", "file_base": "x", **choices}
    spec = load_request_spec({"key": P256, **document})
    return issue_certificate(authority, spec, IssueChoices(**chosen), by=ANA, now=timezone.now())


def test_the_intent_is_recorded_before_the_deed() -> None:
    certificate = make_certificate(make_authority())
    told = Entry.objects.filter(action="certificate.issued").order_by("seq")
    assert [entry.outcome for entry in told] == [Outcome.INTENDED, Outcome.DONE]
    assert {entry.detail["serial"] for entry in told} == {certificate.serial}
    assert certificate.request is not None
    assert certificate.request.state == State.ISSUED


def test_the_taken_key_belongs_to_the_certificate_and_is_recorded() -> None:
    certificate = make_certificate(make_authority())
    pem = take_key(certificate, how="file", by=ANA, now=timezone.now())
    assert spki_sha256(load_private_key(pem).public_key()) == certificate.spki_sha256
    assert Entry.objects.filter(action="certificate.key_taken").count() == 1


def test_every_archive_is_recorded() -> None:
    certificate = make_certificate(make_authority())
    for _ in range(2):
        bundle(certificate, by=ANA, now=timezone.now())
    assert Entry.objects.filter(action="certificate.key_taken").count() == 2


def test_a_swapped_authority_key_signs_nothing_and_that_is_recorded() -> None:
    first, second = make_authority("a"), make_authority("b")
    stolen = second.key
    SealedKey.objects.filter(pk=first.key.pk).update(
        ciphertext=stolen.ciphertext, nonce=stolen.nonce, wrapped_key=stolen.wrapped_key
    )
    with pytest.raises(CannotOpen):
        make_certificate(Authority.objects.get(pk=first.pk))
    assert not Certificate.objects.exists()
    assert SigningRequest.objects.get().state == State.FAILED
    failed = Entry.objects.filter(outcome=Outcome.FAILED).values_list("action", flat=True)
    assert set(failed) == {"authority.key_refused", "certificate.issued"}


def test_a_leaf_does_not_outlive_its_authority_unless_asked() -> None:
    authority = make_authority(expiry="100h")
    with pytest.raises(OutlivesIssuer):
        issue(authority, {"CN": "x"})
    assert not SigningRequest.objects.exists()
    cut = issue(authority, {"CN": "x"}, end_with_authority=True)
    assert cut.not_after == authority.not_after
    longer = issue(authority, {"CN": "y"}, compat=True)
    assert longer.not_after > authority.not_after


def test_an_expired_authority_signs_nothing() -> None:
    long_ago = timezone.now() - dt.timedelta(days=30)
    authority = make_authority(expiry="24h", now=long_ago)
    for cut in (False, True):
        with pytest.raises(OutlivesIssuer):
            issue(authority, {"CN": "x"}, end_with_authority=cut)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UnknownProfile, match="front-proxy-client"):
        issue(make_authority(), {"CN": "x"}, profile="nope")


@pytest.mark.parametrize(
    "place", [{"CN": "system:auth-proxy"}, {"names": [{"O": "system:masters"}]}]
)
def test_reserved_names_are_never_one_persons_to_give(place: dict) -> None:
    authority = make_authority()
    for reason in ("", "for breaking the glass"):
        with pytest.raises(ReservedIdentity):
            issue(authority, {"CN": "x", **place}, override_reason=reason)
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("base", ["", "../up", "a/b", "-x", ".x", "a\nb", "x" * 101])
def test_an_unsafe_file_name_is_refused(base: str) -> None:
    with pytest.raises(InvalidField):
        issue(make_authority(), {"CN": "x"}, file_base=base)
    assert not SigningRequest.objects.exists()


def test_a_compat_authority_does_as_cfssl_does() -> None:
    authority = make_authority(mode=Mode.COMPAT, expiry="100h")
    assert issue(authority, {"CN": "x"}).not_after > authority.not_after


def test_the_same_serial_is_never_signed_twice(monkeypatch) -> None:
    authority = make_authority()
    monkeypatch.setattr("aggportal.pki.issuing.new_serial", lambda: 42)
    make_certificate(authority, "first")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_certificate(authority, "second")
    assert Certificate.objects.get().common_name == "first"


@pytest.mark.django_db(transaction=True)
def test_many_people_at_once_each_get_a_certificate_and_the_ledger_holds() -> None:
    authority = make_authority()

    def issue_one(number: int) -> str:
        try:
            return make_certificate(authority, f"n{number}").serial
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        serials = list(pool.map(issue_one, range(12)))
    assert len(set(serials)) == Certificate.objects.count() == 12
    assert set(SigningRequest.objects.values_list("state", flat=True)) == {State.ISSUED}
    assert verify_chain().broken_at is None


def test_an_authority_that_the_linter_refuses_is_on_record_as_failed() -> None:
    names = [{"O": "k8s", "OID": {"1.2.3": "unreadable to the linter"}}]
    spec = load_request_spec({"CN": "odd-ca", "key": P256, "names": names})
    choices = AuthorityChoices(
        label="odd",
        slug="odd",
        lane=Lane.GENERAL,
        mode=Mode.STRICT,
        file_base="odd",
        signing_config=preset_config("aggregator"),
    )
    with pytest.raises(InvalidCertificate):
        create_authority(spec, choices, by=ANA, now=timezone.now())
    told = Entry.objects.filter(action="authority.created").order_by("seq")
    assert [entry.outcome for entry in told] == [Outcome.INTENDED, Outcome.FAILED]
    assert not Authority.objects.exists()
