"""What kube-apiserver would refuse is refused here before, with words."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggportal.pki.covering import covers
from aggportal.pki.errors import CannotProxy, CannotServe
from aggportal.pki.misfits import AuthorityCannotSign, NotSignedByAuthority
from aggportal.pki.verifying import require_can_proxy, require_can_serve, require_signed_by
from tests.pki.certificates_made import (
    CLIENT,
    NOW,
    SERVER,
    YEAR,
    Made,
    authority,
    make,
    proxy_client,
    serving,
)

CA = authority()
PROXY = proxy_client(CA)
API = serving(CA)
DAY = dt.timedelta(days=1)


def proxy_codes(leaf: Made, ca: Made = CA, *, allowed=(), now=NOW) -> list[str]:
    try:
        require_can_proxy(leaf.facts, authority=ca.facts, allowed_names=allowed, now=now)
    except CannotProxy as refused:
        return [problem.code for problem in refused.problems]
    return []


def serve_codes(leaf: Made, *bundle: Made, service="api", now=NOW) -> list[str]:
    facts = [made.facts for made in bundle or (CA,)]
    try:
        require_can_serve(leaf.facts, bundle=facts, service=service, namespace="wardle", now=now)
    except CannotServe as refused:
        return [problem.code for problem in refused.problems]
    return []


def test_a_proper_pair_may_proxy_with_and_without_names():
    assert proxy_codes(PROXY) == []
    assert proxy_codes(PROXY, allowed=("front-proxy-client", "other")) == []
    assert PROXY.facts.sans == (), "a proxy client needs no SAN"


def test_a_certificate_with_both_usages_may_proxy():
    assert proxy_codes(proxy_client(CA, extended=(SERVER, CLIENT))) == []


def test_a_stranger_s_signature_is_refused_though_the_name_is_right():
    assert proxy_codes(proxy_client(authority(CA.facts.common_name))) == ["not-signed-by-authority"]


@pytest.mark.parametrize("extended", [(SERVER,), ()])
def test_without_client_auth_nothing_proxies(extended):
    assert proxy_codes(proxy_client(CA, extended=extended)) == ["usage-missing"]


def test_without_digital_signature_nothing_proxies():
    assert proxy_codes(proxy_client(CA, usages=("key_encipherment",))) == ["usage-missing"]
    assert proxy_codes(proxy_client(CA, usages=())) == []


def test_time_counts_for_the_certificate_and_its_authority():
    assert proxy_codes(PROXY, now=NOW + YEAR + DAY) == ["expired"]
    assert proxy_codes(PROXY, now=NOW - DAY) == ["not-yet-valid", "authority-not-valid-now"]
    long = proxy_client(CA, until=NOW + 20 * YEAR)
    assert proxy_codes(long, now=NOW + 11 * YEAR) == ["authority-not-valid-now"]


def test_a_cn_outside_the_allowed_names_is_refused():
    assert proxy_codes(PROXY, allowed=("aggregator",)) == ["common-name-not-allowed"]
    assert proxy_codes(PROXY, allowed=("Front-Proxy-Client",)) == ["common-name-not-allowed"]


def test_the_authority_itself_is_no_proxy_client():
    assert proxy_codes(CA)[0] == "is-the-authority"


def test_a_leaf_is_no_authority():
    below = proxy_client(PROXY, cn="x")
    assert proxy_codes(below, PROXY) == ["authority-cannot-sign"]
    with pytest.raises(AuthorityCannotSign):
        require_signed_by(below.facts, PROXY.facts)
    with pytest.raises(NotSignedByAuthority, match="a name alone proves nothing"):
        require_signed_by(below.facts, CA.facts)
    require_signed_by(PROXY.facts, CA.facts)


def test_an_authority_for_servers_only_makes_no_clients():
    servers = authority("servers", extended=(SERVER,))
    assert proxy_codes(proxy_client(servers)) == ["not-signed-by-authority"]
    assert proxy_codes(proxy_client(servers), servers) == ["authority-cannot-sign"]


def test_all_reasons_come_together_each_with_field_and_words():
    wrong = make("x", by=authority("y"), extended=(SERVER,), until=NOW - DAY, since=NOW - YEAR)
    with pytest.raises(CannotProxy) as refused:
        require_can_proxy(wrong.facts, authority=CA.facts, allowed_names=["z"], now=NOW)
    assert [(p.code, p.field) for p in refused.value.problems] == [
        ("not-signed-by-authority", "certificate"),
        ("usage-missing", "certificate"),
        ("expired", "certificate"),
        ("common-name-not-allowed", "allowed_names"),
    ]
    assert "every extension API server would answer 401" in str(refused.value)


def test_a_proper_serving_certificate_serves():
    assert serve_codes(API) == []
    assert serve_codes(API, authority("old"), CA) == []
    assert serve_codes(API, API) == [], "Go trusts the certificate itself in the bundle"


def test_serving_needs_the_service_name_in_its_sans():
    assert serve_codes(API, service="other") == ["service-name-missing"]
    cn_only = make("api.wardle.svc", by=CA, extended=(SERVER,))
    assert serve_codes(cn_only) == ["service-name-missing"]
    longer = serving(CA, hosts=("api.wardle.svc.cluster.local", "api.wardle"))
    assert serve_codes(longer) == ["service-name-missing"]
    assert serve_codes(serving(CA, hosts=("*.wardle.svc",))) == []


def test_serving_needs_server_auth_time_and_trust():
    assert serve_codes(serving(CA, extended=(CLIENT,))) == ["usage-missing"]
    assert serve_codes(API, now=NOW + YEAR + DAY) == ["expired"]
    assert serve_codes(API, authority("other")) == ["not-signed-by-authority"]
    late = serving(CA, until=NOW + 20 * YEAR)
    assert serve_codes(late, now=NOW + 11 * YEAR) == ["authority-not-valid-now"]


def test_an_intermediate_in_the_bundle_is_enough():
    middle = make("middle", by=CA, is_ca=True)
    assert serve_codes(serving(middle), middle) == []
    assert serve_codes(serving(middle), CA) == ["not-signed-by-authority"]


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("API.wardle.svc", "api.wardle.svc", True),
        ("*.wardle.svc", "api.wardle.svc", True),
        ("*.svc", "api.wardle.svc", False),
        ("*", "svc", False),
        ("a*.wardle.svc", "api.wardle.svc", False),
        ("wardle.svc", "api.wardle.svc", False),
    ],
)
def test_a_wildcard_covers_one_whole_label(pattern: str, name: str, expected: bool):
    assert covers(pattern, name) is expected


@given(st.text(max_size=20), st.text(max_size=20))
def test_covering_never_fails(pattern: str, name: str):
    assert covers(pattern, name) in (True, False)
