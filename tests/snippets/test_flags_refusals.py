"""What cannot do the job is refused with words, beside the choice that is wrong."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.utils import timezone

from tests.pki.certificates_made import SERVER
from tests.snippets.stored import (
    DAY,
    made_authority,
    made_client,
    store_authority,
    store_certificate,
)


def notes(answer, field: str) -> str:
    """What stands beside `field`, help and refusals."""
    text = answer.content.decode()
    found = re.search(
        rf'<div id="notes-{field}"[^>]*>(.*?)</div>(?=\s*(?:<div id="notes-|<select|$))',
        text,
        re.DOTALL,
    )
    assert found, f"no notes of {field}"
    return unescape(re.sub(r"<[^>]*>", " ", found[1]))


def assert_refused(answer, field: str, words: str) -> None:
    assert answer.status_code == 422
    assert words in notes(answer, field)
    assert "<pre" not in answer.content.decode()


def test_a_certificate_of_another_ca_is_refused(flags, authority, certificate):
    other = made_authority("other-ca")
    foreign = store_certificate(made_client(other), store_authority(other, slug="other"))
    answer = flags(authority=authority.slug, certificate=foreign.pk)
    assert_refused(answer, "certificate", "was not signed by")


def test_a_certificate_without_client_auth_is_refused(flags, ca, authority):
    server = store_certificate(made_client(ca, extended=(SERVER,)), authority)
    answer = flags(authority=authority.slug, certificate=server.pk)
    assert_refused(answer, "certificate", "client auth")


def test_an_expired_certificate_is_refused(flags, ca, authority):
    old = made_client(ca, until=timezone.now() - DAY / 2)
    answer = flags(authority=authority.slug, certificate=store_certificate(old, authority).pk)
    assert_refused(answer, "certificate", "It expired on")


def test_a_certificate_without_a_name_is_refused(flags, ca, authority):
    nameless = store_certificate(made_client(ca, "", organizations=("k8s",)), authority)
    answer = flags(authority=authority.slug, certificate=nameless.pk, names="aggregator")
    assert answer.status_code == 422
    assert "common name" in notes(answer, "names") + notes(answer, "certificate")


def test_an_authority_past_its_end_is_refused(flags, db):
    past = made_authority("old-ca", until=timezone.now() - DAY / 2)
    row = store_authority(past)
    store_certificate(made_client(past), row)
    assert flags(authority=row.slug).status_code == 422


def test_an_authority_without_a_certificate_says_so(flags, authority):
    assert_refused(flags(authority=authority.slug), "certificate", "has issued no certificate yet")


@pytest.mark.usefixtures("certificate")
@pytest.mark.parametrize("directory", ["ssl", "/etc", "/srv/$(id)", "/srv/../etc", "/srv/<script>"])
def test_an_unsafe_directory_is_refused_beside_its_field(flags, directory):
    answer = flags(directory=directory)
    assert answer.status_code == 422
    assert "<p>" in answer.content.decode()
    assert "slash" in notes(answer, "directory") or "of its own" in notes(answer, "directory")


@pytest.mark.usefixtures("certificate")
def test_an_invisible_name_is_refused_and_made_visible(flags):
    answer = flags(names="agg\u202eregator")
    assert_refused(answer, "names", "agg\\u{202E}regator")


@pytest.mark.usefixtures("certificate")
def test_a_uid_header_is_refused_where_kube_apiserver_would_not_start(flags):
    assert_refused(flags(version="32", uid="on"), "uid", "would not start")


@pytest.mark.usefixtures("certificate")
@pytest.mark.parametrize(
    "query",
    [
        {"authority": "nonsense"},
        {"certificate": "999999"},
        {"certificate": "x"},
        {"certificate": "9" * 40},
        {"kube_proxy": "maybe"},
        {"version": "nonsense"},
        {"names": "a\0b"},
        {"names": "x" * 30_000},
    ],
)
def test_nonsense_in_the_address_is_answered_in_words(flags, query):
    answer = flags(**query)
    assert answer.status_code == 422
    assert "<script>" not in answer.content.decode()


@pytest.mark.usefixtures("certificate")
def test_an_unknown_way_shows_the_first(flags):
    answer = flags(way="<script>")
    assert answer.status_code == 200
    assert 'id="file-plain"' in answer.content.decode()
    assert "<script>" not in answer.content.decode()


@pytest.mark.usefixtures("certificate")
def test_a_name_is_shown_and_never_run(flags):
    text = flags(names="<script>alert(1)</script>").content.decode()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_refused_choice_has_no_download(flags, certificate):
    answer = flags(path="/flags/download/plain/", directory="relative")
    assert answer.status_code == 422
    assert "Content-Disposition" not in answer.headers


@pytest.mark.usefixtures("certificate")
def test_kubespray_says_what_it_cannot_carry(flags):
    answer = flags(way="kubespray", names="it's {{ x }}")
    assert answer.status_code == 200
    assert "cannot carry" in answer.content.decode()
    assert flags(live=True, path="/flags/download/kubespray/", names="{{ x }}").status_code == 422


def test_a_name_that_the_authority_does_not_allow_is_refused_until_it_is_added(
    flags, authority, certificate
):
    authority.allowed_names = "front-proxy-2027"
    authority.save()
    answer = flags(authority=authority.slug, certificate=certificate.pk)
    assert answer.status_code == 422
    assert "allowed names" in notes(answer, "names") + notes(answer, "certificate")
    name = certificate.common_name
    added = flags(authority=authority.slug, certificate=certificate.pk, names=name)
    assert added.status_code == 200
    assert f"front-proxy-2027,{name}" in added.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("certificate", "9" * 5000, "There is no such certificate"),
        ("certificate", "\x00", "Null characters"),
        ("authority", "\x00", "Null characters"),
    ],
)
def test_an_address_that_nobody_made_is_refused_with_words(
    flags, authority, certificate, field, value, words
):
    answer = flags(**{"authority": authority.slug, "certificate": certificate.pk, field: value})
    assert_refused(answer, field, words)


def test_a_revoked_certificate_is_refused_and_no_longer_offered(flags, authority, certificate, ca):
    other = store_certificate(made_client(ca), authority)
    chosen = {"authority": authority.slug, "certificate": str(certificate.pk)}
    for reason in ("superseded", "certificateHold"):
        certificate.revoked_at, certificate.revocation_reason = timezone.now(), reason
        certificate.save()
        assert_refused(flags(**chosen), "certificate", "It is revoked or on hold.")
    first = flags(live=False)
    assert (first.status_code, f'value="{other.pk}" selected' in first.text) == (200, True)
    assert f'value="{certificate.pk}"' not in first.text
