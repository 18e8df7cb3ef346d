"""Whatever strict mode accepts signs, parses back as it was asked and lints clean."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggportal.pki.config import load_config
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import certificate_facts
from aggportal.pki.issuing import plan_authority, plan_certificate, sign_certificate
from aggportal.pki.keys import KeySpec, generate_key
from aggportal.pki.linting import lint_certificate
from aggportal.pki.requests import load_request_spec
from aggportal.pki.usages import USAGE_NAMES
from tests.pki.recipe import NOW, authority

KEYS = {
    "rsa": generate_key(KeySpec(algo="rsa", size=2048)),
    "ecdsa": generate_key(KeySpec()),
    "ed25519": generate_key(KeySpec(algo="ed25519")),
}
pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length")
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

texts = st.text(max_size=66) | st.sampled_from(
    ["k8s", "a*b", "é", "東京", "x" * 64, "@", "o@x.y", "a b", "1.2"]
)
hosts = st.lists(
    st.sampled_from(
        [
            *("a.b", "*.c.d", "*", "*.*.a", "a_b.c", "-a.b", "a-.b", "a..b", "a.", ".a", "x" * 64),
            *("kubernetes", "api.wardle.svc", "xn--bcher-kva.example", "a.b:1", "x y", "bü", "1.2"),
            *("10.0.0.1", "::1", "::ffff:1.2.3.4", "fe80::1%eth0", "10.0.0.0/8", "256.1.1.1"),
            *("o@x.y", "Ops <o@x.y>", '"a b"@x.y', "o@[10.0.0.1]", "@", "o@localhost", "ö@x.y"),
            *("spiffe://a/b", "https://a.b:1/x?y#z", "urn:a:b", "mailto:a@b", "http://[::1]/"),
            *("https://", "http://a_b/", "http://user@a.b/", "x://y", "http://a b/", "/abs/path"),
        ]
    )
    | st.text(max_size=30)
    | st.from_regex(r"[a-z*_.-]{1,12}\.[a-z0-9-]{1,8}", fullmatch=True),
    max_size=5,
)
oids = st.sampled_from(["1.2.3", "2.5.4.9", "2.5.4.17", "2.5.4.12", "2.5.4.97", "0.9.2342.1"])
entry: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(("ST", "L", "O", "OU", "E"), texts)
entry["C"] = st.sampled_from(["CN", "DE", "de", "XX"])
entry["OID"] = st.dictionaries(oids, texts, max_size=2)
names = st.lists(st.fixed_dictionaries({}, optional=entry), max_size=3)
keys = st.sampled_from(
    [{"algo": "ed25519"}, {"algo": "ecdsa", "size": 256}, {"algo": "rsa", "size": 2048}]
)
specs = st.fixed_dictionaries(
    {"CN": texts, "hosts": hosts, "names": names, "key": keys},
    optional={"serialnumber": texts, "delegation_enabled": st.booleans()},
)
urls = st.sampled_from(
    ["", "http://portal:8000/pki/a.crl", "http://a.example/x", "https://10.0.0.1/", "ldap://a/b?c"]
)
qualifiers = st.lists(
    st.fixed_dictionaries(
        {"Type": st.sampled_from(["id-qt-cps", "id-qt-unotice"])},
        optional={"Value": urls | st.text(max_size=30)},
    ),
    max_size=2,
)
policies = st.fixed_dictionaries({"ID": oids}, optional={"Qualifiers": qualifiers})
constraints = st.fixed_dictionaries(
    {"is_ca": st.booleans()},
    optional={"max_path_len": st.integers(0, 2), "max_path_len_zero": st.booleans()},
)
profiles = st.fixed_dictionaries(
    {"usages": st.lists(st.sampled_from(USAGE_NAMES), min_size=1, max_size=6)},
    optional={
        "expiry": st.sampled_from(["1h", "8760h", "90m"]),
        "backdate": st.sampled_from(["1h", "0s"]),
        "ocsp_url": urls,
        "crl_url": urls,
        "issuer_urls": st.lists(urls, max_size=2),
        "ocsp_no_check": st.booleans(),
        "Policies": st.lists(policies, max_size=2),
        "ca_constraint": constraints,
    },
)


def faults(certificate: x509.Certificate) -> list[str]:
    der = certificate.public_bytes(Encoding.DER)
    return [f"{f.code} {f.message}" for f in lint_certificate(der) if f.is_fault]


@relaxed
@given(spec=specs, profile=profiles, by=st.sampled_from(["ecdsa", "ed25519"]))
def test_what_is_accepted_is_signed_and_lints_clean(spec, profile, by):
    root = authority(by, 256 if by == "ecdsa" else 0)
    try:
        config = load_config({"signing": {"default": {"expiry": "2h", **profile}}})
        asked = load_request_spec(spec)
        plan = plan_certificate(asked, profile=config.default, issuer=root.issuer, now=NOW)
    except PkiError:
        return
    public = KEYS[asked.key.algo].public_key()
    made = sign_certificate(plan, public_key=public, issuer_key=root.key, allow_reserved=True)
    facts = certificate_facts(made)
    assert facts.sans == tuple((san.kind, san.value) for san in plan.sans)
    assert (facts.not_before, facts.is_ca) == (plan.validity.not_before, plan.is_ca)
    assert made.subject == plan.subject
    made.verify_directly_issued_by(root.certificate)
    assert faults(made) == []


@relaxed
@given(
    spec=specs,
    ca=st.fixed_dictionaries({}, optional={"pathlen": st.integers(0, 3), "expiry": st.just("9h")}),
    crl_url=urls,
)
def test_an_authority_that_is_accepted_lints_clean(spec, ca, crl_url):
    try:
        asked = load_request_spec({**spec, "ca": ca, "crl_url": crl_url})
        plan = plan_authority(asked, now=NOW)
    except PkiError:
        return
    key = KEYS[asked.key.algo]
    made = sign_certificate(plan, public_key=key.public_key(), issuer_key=key, allow_reserved=True)
    assert faults(made) == []


@relaxed
@given(spec=specs, profile=profiles)
def test_in_compat_what_is_accepted_is_signed_and_parses_back(spec, profile):
    root = authority()
    try:
        config = load_config({"signing": {"default": {"expiry": "2h", **profile}}})
        asked = load_request_spec(spec, strict=False)
        plan = plan_certificate(
            asked, profile=config.default, issuer=root.issuer, now=NOW, compat=True
        )
    except PkiError:
        return
    public = KEYS[asked.key.algo].public_key()
    made = sign_certificate(plan, public_key=public, issuer_key=root.key, allow_reserved=True)
    read = x509.load_der_x509_certificate(made.public_bytes(Encoding.DER))
    assert read.subject.public_bytes() == plan.subject.public_bytes()
    read.verify_directly_issued_by(root.certificate)
