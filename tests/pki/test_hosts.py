"""What a host becomes: cfssl's way in compat, only what can be matched in strict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggportal.pki.errors import InvalidFields, InvalidHost
from aggportal.pki.hosts import San, classify_host, classify_hosts


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("10.0.0.1", "ip", "10.0.0.1"),
        ("0:0:0:0:0:0:0:1", "ip", "::1"),
        ("::ffff:1.2.3.4", "ip", "1.2.3.4"),
        ("ops@example.com", "email", "ops@example.com"),
        ("spiffe://cluster.local/ns/a/sa/b", "uri", "spiffe://cluster.local/ns/a/sa/b"),
        ("https://a.example:8443/x?y=1", "uri", "https://a.example:8443/x?y=1"),
        ("kubernetes", "dns", "kubernetes"),
        ("*.example.com", "dns", "*.example.com"),
        ("xn--bcher-kva.example", "dns", "xn--bcher-kva.example"),
        ("API.default.svc", "dns", "API.default.svc"),
    ],
)
def test_good_hosts_are_told_apart_alike_in_both_modes(text, kind, value):
    assert classify_host(text) == classify_host(text, compat=True) == San(kind=kind, value=value)


@pytest.mark.parametrize(
    ("text", "kind", "value", "word"),
    [
        ("localhost:8443", "uri", "localhost:8443", "Leave out the port and write localhost"),
        ("10.0.0.1:443", "dns", "10.0.0.1:443", "10.0.0.1:443"),
        ("/abs/path", "uri", "/abs/path", "path"),
        (" b", "dns", " b", "spaces"),
        ("a b.example", "dns", "a b.example", "spaces"),
        ("Ops <o@x.example>", "email", "o@x.example", "Write the address alone"),
        (" o@x.example ", "email", "o@x.example", "spaces"),
        ("a.*.example", "dns", "a.*.example", "left-most"),
        ("*", "uri", "*", "scheme and a host"),
        ("*.*.com", "dns", "*.*.com", "left-most"),
        ("a_b.example", "dns", "a_b.example", "underscore"),
        ("a.example.", "dns", "a.example.", "trailing dot"),
        ("0.0.0.0/0", "dns", "0.0.0.0/0", "network"),
        ("1.2.3.256", "dns", "1.2.3.256", "looks like an IP"),
        ("127.0.0.01", "dns", "127.0.0.01", "looks like an IP"),
        ("fe80::1%eth0", "uri", None, ""),
        ("a,b", "dns", "a,b", "commas"),
        ("-a.example", "dns", "-a.example", "labels"),
        ("a..b", "dns", "a..b", "labels"),
        ("mailto:a", "uri", "mailto:a", "scheme and a host"),
        (
            "javascript://x.example/%0aalert(1)",
            "uri",
            "javascript://x.example/%0aalert(1)",
            "names nobody",
        ),
        ("HTTP://x.example/a b", "uri", "http://x.example/a%20b", "spaces"),
        ("http://a b/", "dns", "http://a b/", "spaces"),
        ("http://x.example/%zz", "dns", "http://x.example/%zz", "network or a path"),
    ],
)
def test_a_useless_host_is_refused_and_made_in_compat_as_cfssl_does(text, kind, value, word):
    with pytest.raises(InvalidHost) as refusal:
        classify_host(text, field="hosts[0]")
    assert word in str(refusal.value)
    if value is not None:
        assert classify_host(text, compat=True) == San(kind=kind, value=value)


@pytest.mark.parametrize("text", ["", "a\x00b", "a\r\nb", "\u202ea.example", "a" * 3000, "\ud800"])
def test_no_mode_takes_a_host_that_is_empty_endless_or_cannot_be_seen(text):
    for compat in (False, True):
        with pytest.raises(InvalidHost):
            classify_host(text, compat=compat)


def test_a_name_outside_ascii_is_refused_with_its_a_label():
    for compat in (False, True):
        with pytest.raises(InvalidHost, match=r"xn--bcher-kva\.example"):
            classify_host("bücher.example", compat=compat)


def test_names_come_in_the_order_dns_email_ip_uri_and_once():
    sans = classify_hosts(["spiffe://a/b", "10.0.0.1", "o@x.y", "b.c", "a.b", "b.c"])
    assert [san.value for san in sans] == ["b.c", "a.b", "o@x.y", "10.0.0.1", "spiffe://a/b"]


def test_every_bad_host_is_named():
    with pytest.raises(InvalidFields) as refusal:
        classify_hosts(["a:1", "ok", "b c"])
    assert [problem.field for problem in refusal.value.problems] == ["hosts[0]", "hosts[2]"]


def test_too_many_hosts_are_refused():
    with pytest.raises(InvalidHost, match="101"):
        classify_hosts(["a"] * 101)


@given(
    st.text(max_size=60) | st.from_regex(r"[a-z*._:/@<> %-]{1,30}", fullmatch=True), st.booleans()
)
def test_every_text_is_classified_or_refused(text, compat):
    try:
        san = classify_host(text, compat=compat)
    except InvalidHost:
        return
    assert san.value
    assert san.value.isascii()
