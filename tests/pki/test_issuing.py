"""Plans decide everything; signing writes exactly the plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from aggportal.pki.config import load_profile
from aggportal.pki.errors import (
    InvalidField,
    KeyMismatch,
    MissingSubject,
    NameNotAllowed,
    NotAnAuthority,
    NoUsage,
    OutlivesIssuer,
    PathLengthExceeded,
    PkiError,
    ReservedIdentity,
    UnsupportedProfile,
)
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import (
    plan_authority,
    plan_certificate,
    sign_certificate,
    with_public_key,
)
from aggportal.pki.keys import KeySpec, generate_key
from aggportal.pki.presets import PRESETS
from aggportal.pki.profiles import Profile
from aggportal.pki.requests import load_request_spec
from tests.pki.recipe import CA, LEAF, NOW, PROFILE, authority

ROOT = authority()
KEY = generate_key(KeySpec())
SHORT = load_profile("short", {"usages": ["signing", "server auth"], "expiry": "24h"})
SUB_CA = {"usages": ["cert sign", "crl sign"], "expiry": "1h", "ca_constraint": {"is_ca": True}}


def profile_with(**changes: object) -> Profile:
    return load_profile("p", {"usages": ["signing", "server auth"], "expiry": "24h"} | changes)


def plan(document=None, *, profile=SHORT, issuer=ROOT.issuer, **options):
    spec = load_request_spec(LEAF | (document or {}), strict=False)
    return plan_certificate(spec, profile=profile, issuer=issuer, now=NOW, **options)


def issue(document=None, **options):
    return sign_certificate(
        plan(document, **options), public_key=KEY.public_key(), issuer_key=ROOT.key
    )


def test_the_validity_is_rounded_to_the_minute_and_backdated():
    validity = plan().validity
    assert validity.not_before == dt.datetime(2026, 11, 23, 4, 56, tzinfo=dt.UTC)
    assert validity.not_after - validity.not_before == dt.timedelta(hours=24)


def test_a_profile_may_set_backdate_and_absolute_times():
    assert plan(profile=profile_with(backdate="1h")).validity.not_before.hour == 4
    fixed = profile_with(not_before="2027-01-01T00:00:00Z", not_after="2027-02-01T00:00:00Z")
    assert f"{plan(profile=fixed).validity.not_after:%F}" == "2027-02-01"


def test_the_extensions_stand_in_cfssls_order():
    rich = profile_with(
        ocsp_url="http://o.example/",
        crl_url="http://c.example/",
        issuer_urls=["http://i.example/"],
        ocsp_no_check=True,
        Policies=[{"ID": "1.2.3"}],
    )
    names = [e.oid._name for e in issue({"delegation_enabled": True}, profile=rich).extensions]
    assert names == [
        "keyUsage", "extendedKeyUsage", "basicConstraints", "subjectKeyIdentifier",
        "authorityKeyIdentifier", "authorityInfoAccess", "subjectAltName", "cRLDistributionPoints",
        "Unknown OID", "certificatePolicies", "OCSPNoCheck",
    ]  # fmt: skip


def test_serials_are_positive_have_20_bytes_and_differ():
    serials = {plan().serial for _ in range(50)}
    assert len(serials) == 50
    assert all(0 < serial < 1 << 159 for serial in serials)


def test_the_authority_key_identifier_is_always_set_save_in_compat_on_equal_names():
    assert authority().certificate.subject == issue().subject
    assert issue().extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    with pytest.raises(x509.ExtensionNotFound):
        issue(compat=True).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


def test_a_plan_with_its_key_says_what_the_certificate_says():
    whole = with_public_key(plan(), KEY.public_key())
    made = sign_certificate(whole, public_key=KEY.public_key(), issuer_key=ROOT.key)
    ski = made.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert ski.digest == whole.subject_key_identifier
    assert whole.key == "ECDSA P-256"
    assert made.serial_number == whole.serial
    made.verify_directly_issued_by(ROOT.certificate)


def test_a_leaf_that_outlives_its_issuer_is_refused_and_made_in_compat():
    later = NOW + dt.timedelta(days=1)
    spec = load_request_spec(LEAF)
    with pytest.raises(OutlivesIssuer, match=r"2036-11-20.*compat"):
        plan_certificate(spec, profile=PROFILE, issuer=ROOT.issuer, now=later)
    made = plan_certificate(spec, profile=PROFILE, issuer=ROOT.issuer, now=later, compat=True)
    assert made.validity.not_after > ROOT.issuer.validity.not_after


def test_the_recipe_itself_does_not_outlive_its_issuer_when_made_in_one_go():
    assert plan(profile=PROFILE).validity == ROOT.issuer.validity


@pytest.mark.parametrize(
    "changes",
    [
        {"not_before": "1900-01-01T00:00:00Z"},
        {"not_before": "9999-01-01T00:00:00Z", "expiry": "90000h"},
        {"not_after": "2020-01-01T00:00:00Z"},
        {"backdate": "2500000h"},
    ],
)
def test_dates_that_no_certificate_can_carry_are_refused(changes):
    for compat in (False, True):
        with pytest.raises(InvalidField):
            plan(profile=profile_with(**changes), compat=compat)


@pytest.mark.parametrize(
    ("document", "profile", "error"),
    [
        ({}, {"remote": "r"}, UnsupportedProfile),
        ({}, {"auth_remote": {"remote": "r"}}, UnsupportedProfile),
        ({}, {"ct_log_servers": ["http://ct"]}, UnsupportedProfile),
        ({}, {"CSRWhitelist": {}}, UnsupportedProfile),
        ({}, {"ClientProvidesSerialNumbers": True}, UnsupportedProfile),
        ({}, {"name_whitelist": "^x"}, NameNotAllowed),
        ({}, {"usages": ["encipher only"]}, InvalidField),
        ({}, {"usages": ["cert sign"]}, InvalidField),
        ({}, {"usages": ["signing"], "ca_constraint": {"is_ca": True}}, InvalidField),
        ({"ca": {}}, {}, InvalidField),
        ({"extensions": [{"Id": [1, 2, 3, 4], "Value": "BQA="}]}, {}, InvalidField),
        ({"CN": "", "names": []}, {}, MissingSubject),
        ({"hosts": ["localhost:8443"]}, {}, PkiError),
    ],
)
def test_what_a_strict_plan_cannot_hold_is_refused(document, profile, error):
    with pytest.raises(error):
        plan(document, profile=profile_with(**profile))


def test_a_profile_with_an_authentication_key_is_refused_with_words():
    with pytest.raises(UnsupportedProfile, match="another server"):
        plan(profile=replace(SHORT, auth_key="k"))


def test_a_default_profile_without_usages_is_refused():
    with pytest.raises(NoUsage):
        plan(profile=replace(SHORT, usages=()))


def test_a_leaf_cannot_issue():
    with pytest.raises(NotAnAuthority):
        plan(issuer=issuer_of(issue()))


def test_profile_is_only_source_of_authority():
    sub = profile_with(**SUB_CA)
    made = issue({"CN": "sub", "hosts": ["a.b", "10.0.0.1"]}, profile=sub)
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    leaked = plan({"hosts": ["a.b", "10.0.0.1"]}, profile=sub, compat=True).sans
    assert [san.value for san in leaked] == ["10.0.0.1"]


def test_an_issuers_path_length_binds():
    deep, flat = authority(pathlen=2), authority(zero=True)
    with pytest.raises(PathLengthExceeded):
        plan(profile=profile_with(**SUB_CA), issuer=flat.issuer)
    with pytest.raises(PathLengthExceeded):
        plan(profile=profile_with(**SUB_CA), issuer=deep.issuer)
    fits = profile_with(**SUB_CA | {"ca_constraint": {"is_ca": True, "max_path_len": 1}})
    assert plan(profile=fits, issuer=deep.issuer).path_length == 1
    assert plan(profile=profile_with(**SUB_CA), issuer=flat.issuer, compat=True).path_length is None


def test_a_subject_alternative_name_is_critical_only_when_the_subject_is_empty():
    made = plan({"CN": "", "names": []}, compat=True)
    assert made.sans_critical
    assert not plan().sans_critical


@pytest.mark.parametrize(
    "names", [[{"O": "system:masters"}], [{"O": "a"}, {"O": "sуstem:masters"}]]
)
def test_the_masters_are_signed_for_where_somebody_granted_it(names):
    made = plan({"names": names}, compat=True)
    keys: dict[str, Any] = {"public_key": KEY.public_key(), "issuer_key": ROOT.key}
    with pytest.raises(ReservedIdentity):
        sign_certificate(made, **keys)
    assert sign_certificate(made, **keys, allow_reserved=True).subject == made.subject


def test_another_key_than_the_planned_issuers_does_not_sign():
    with pytest.raises(KeyMismatch):
        sign_certificate(plan(), public_key=KEY.public_key(), issuer_key=KEY)
    planned = plan_authority(load_request_spec(CA), now=NOW)
    with pytest.raises(KeyMismatch):
        sign_certificate(planned, public_key=KEY.public_key(), issuer_key=ROOT.key)
    with pytest.raises(KeyMismatch):
        sign_certificate(planned, public_key=KEY.public_key(), issuer_key=KEY)


def test_an_authority_defaults_to_five_years_and_needs_a_subject():
    made = plan_authority(load_request_spec({"CN": "x", "hosts": ["a.b", "10.0.0.1"]}), now=NOW)
    assert made.validity.not_after - made.validity.not_before == dt.timedelta(hours=43800)
    assert made.key_usages == ("cert sign", "crl sign")
    assert not made.sans
    with pytest.raises(MissingSubject):
        plan_authority(load_request_spec({}, strict=False), now=NOW)


def test_the_front_proxy_preset_makes_a_client_only():
    made = plan({"hosts": []}, profile=PRESETS["front-proxy-client"])
    assert made.extended_key_usages == ("client auth",)
    assert made.key_usages == ("digital signature",)
