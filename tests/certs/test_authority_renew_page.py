"""The page that renews an authority."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from aggportal.certs.models import Authority, Lane, Mode
from aggportal.ledger.models import Entry
from tests.certs.makers import make_authority
from tests.certs.outside_made import outside_ca, signed_outside, under_outside
from tests.certs.parents_made import make_intermediate

pytestmark = pytest.mark.django_db


def page_of(authority: Authority) -> str:
    return reverse("certs:authority_renew", args=[authority.slug])


def request_of(authority: Authority) -> str:
    return reverse("certs:authority_renewal_request", args=[authority.slug])


def sent(authority: Authority, **changed: Any) -> dict[str, Any]:
    return {"seen": authority.fingerprint_sha256, "confirm": authority.label, **changed}


def test_an_administrator_renews(client_of, administrator):
    before = make_authority()
    shown = client_of(administrator).get(page_of(before))
    assert shown.context["dates"].not_after > before.not_before
    answer = client_of(administrator).post(page_of(before), sent(before, expiry="100h"))
    after = Authority.objects.get()
    assert answer.status_code == 302
    assert after.fingerprint_sha256 != before.fingerprint_sha256
    assert (after.not_after - after.not_before).total_seconds() == 360_000
    page = client_of(administrator).get(answer.url).content.decode()
    assert page_of(before) in page
    assert "Its other certificates" in page


@pytest.mark.parametrize("path", [page_of, request_of])
def test_an_issuer_may_not(client_of, issuer, path):
    authority = make_authority()
    assert client_of(issuer).post(path(authority), sent(authority)).status_code == 403
    assert not Entry.objects.filter(action__startswith="authority.renew").exists()


def test_strangers_wrong_methods_and_unknown_ones(client_of, stranger, administrator):
    authority = make_authority()
    assert client_of(stranger).get(page_of(authority)).status_code == 403
    assert client_of(administrator).put(page_of(authority)).status_code == 405
    assert client_of(administrator).get(request_of(authority)).status_code == 405
    missing = reverse("certs:authority_renew", args=["nobody"])
    assert client_of(administrator).get(missing).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("confirm", "another"), ("confirm", ""), ("expiry", "10y"), ("expiry", "-1h")],
)
def test_what_is_wrong_is_said_beside_the_field(client_of, administrator, field, value):
    authority = make_authority()
    page = client_of(administrator).post(page_of(authority), sent(authority, **{field: value}))
    assert page.status_code == 422
    assert page.context["form"].errors[field]
    assert not authority.other_certificates.exists()


def test_the_same_page_sent_twice_renews_once(client_of, administrator):
    authority = make_authority()
    assert client_of(administrator).post(page_of(authority), sent(authority)).status_code == 302
    assert client_of(administrator).post(page_of(authority), sent(authority)).status_code == 409
    assert authority.other_certificates.count() == 1


def test_a_retired_one_says_why_not(client_of, administrator):
    authority = make_authority()
    Authority.objects.update(retired_at=timezone.now())
    assert "retired" in client_of(administrator).get(page_of(authority)).content.decode()
    assert client_of(administrator).post(page_of(authority), sent(authority)).status_code == 422


def test_in_compat_the_life_cannot_be_chosen(client_of, administrator):
    authority = make_authority(mode=Mode.COMPAT)
    page = client_of(administrator).get(page_of(authority))
    assert "expiry" not in page.context["form"].fields
    assert "-renewca" in page.content.decode()
    assert client_of(administrator).post(page_of(authority), sent(authority)).status_code == 302


def test_below_another_authority_of_ours(client_of, administrator):
    below = make_intermediate(make_authority("root", lane=Lane.GENERAL))
    assert client_of(administrator).post(page_of(below), sent(below)).status_code == 302
    below.refresh_from_db()
    assert below.issued_as is not None
    assert below.issued_as.predecessor is not None


def test_signed_outside_a_request_goes_out_and_the_answer_comes_in(client_of, administrator):
    root = outside_ca()
    authority = under_outside(root)
    client = client_of(administrator)
    request = client.post(request_of(authority))
    assert request["Content-Disposition"].endswith('-renewal.csr"')
    answer = signed_outside(root, request.content.decode(), days=4000)
    empty = client.post(page_of(authority), sent(authority, certificate=" "))
    assert empty.status_code == 422
    wrong = client.post(page_of(authority), sent(authority, certificate=root.pem))
    assert "another key" in wrong.context["form"].errors["certificate"][0]
    file = SimpleUploadedFile("back.pem", answer.encode())
    assert client.post(page_of(authority), sent(authority, file=file)).status_code == 302
    authority.refresh_from_db()
    assert authority.certificate_pem == answer


@pytest.mark.parametrize(
    "junk", ["\x00", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "{}"]
)
def test_junk_in_place_of_the_answer_is_refused_with_words(client_of, administrator, junk):
    authority = under_outside(outside_ca())
    page = client_of(administrator).post(page_of(authority), sent(authority, certificate=junk))
    assert page.status_code == 422
    assert page.context["form"].errors["certificate"]
