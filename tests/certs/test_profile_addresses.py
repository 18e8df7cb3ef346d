"""The portal's own addresses in profiles, and so in certificates."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from django.urls import reverse

from aggportal.certs.addresses import public_addresses
from aggportal.certs.services.profiles import config_version
from aggportal.certs.signing_configs import config_of
from tests.certs.makers import make_authority, make_certificate
from tests.certs.status_asked import loaded

pytestmark = pytest.mark.django_db


def pressed(authority, button: str, **rest: str) -> dict[str, str]:
    text = authority.signing_config
    return {"base": text, "text": text, "version": config_version(authority), "do": button, **rest}


@pytest.fixture
def known(settings) -> str:
    settings.PUBLIC_URL = "https://portal.example.org"
    return "http://portal.example.org/pki/front-proxy-ca"


@pytest.mark.parametrize(
    ("public", "base"),
    [
        ("https://portal.example.org", "http://portal.example.org"),
        ("https://portal.example.org:443/sub", "http://portal.example.org/sub"),
        ("https://portal.example.org:8443", "https://portal.example.org:8443"),
        ("http://10.0.0.1:8000", "http://10.0.0.1:8000"),
        ("https://[2001:db8::1]", "http://[2001:db8::1]"),
    ],
)
def test_addresses_are_plain_http_where_the_port_does_not_say_otherwise(
    settings, public, base
) -> None:
    settings.PUBLIC_URL = public
    assert public_addresses(make_authority()).crl == f"{base}/pki/front-proxy-ca.crl"


def test_one_tap_fills_the_three_and_certificates_carry_them(
    client_of, administrator, known
) -> None:
    authority = make_authority()
    ada, path = client_of(administrator), reverse("certs:profile_edit", args=[authority.slug])
    filled = ada.post(path, pressed(authority, "addresses-"))
    assert filled.status_code == 200
    text = filled.context["view"].text
    ada.post(path, pressed(authority, "save", text=text))
    authority.refresh_from_db()
    profile = config_of(authority).profile("front-proxy-client")
    assert profile.issuer_urls == (f"{known}.crt",)
    extensions = loaded(make_certificate(authority)).extensions
    points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert [name.value for name in points[0].full_name] == [f"{known}.crl"]
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert {one.access_method: one.access_location.value for one in access} == {
        AuthorityInformationAccessOID.OCSP: f"{known}/ocsp",
        AuthorityInformationAccessOID.CA_ISSUERS: f"{known}.crt",
    }


def test_one_profile_alone_can_carry_them(client_of, administrator, known) -> None:
    authority = make_authority()
    path = reverse("certs:profile_edit", args=[authority.slug])
    filled = client_of(administrator).post(path, pressed(authority, "addresses-1"))
    config = filled.context["view"].config
    assert [bool(profile.crl_url) for profile in config.profiles] == [False, True, False]


def test_a_portal_that_does_not_know_its_address_says_how_to_tell_it(
    client_of, administrator, settings
) -> None:
    settings.PUBLIC_URL = ""
    authority = make_authority()
    ada, path = client_of(administrator), reverse("certs:profile_edit", args=[authority.slug])
    assert "AGGPORTAL_PUBLIC_URL" in ada.get(path).text
    assert (
        ada.post(path, pressed(authority, "addresses-")).context["view"].config.default.crl_url
        == ""
    )


@pytest.mark.parametrize("button", ["addresses-99", "addresses-x", "addresses", "addresses--1"])
def test_odd_buttons_do_no_harm(client_of, administrator, known, button) -> None:
    authority = make_authority()
    path = reverse("certs:profile_edit", args=[authority.slug])
    assert client_of(administrator).post(path, pressed(authority, button)).status_code in (200, 422)


def test_who_may_not_edit_may_not_press(client_of, issuer, known) -> None:
    authority = make_authority()
    path = reverse("certs:profile_edit", args=[authority.slug])
    assert client_of(issuer).post(path, pressed(authority, "addresses-")).status_code == 403
