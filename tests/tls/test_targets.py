"""What a person may type, and where it leads."""

from __future__ import annotations

import ipaddress
from functools import partial

import pytest

from aggportal.kube.egress import EgressPolicy
from aggportal.kube.errors import EgressDenied
from aggportal.tls.errors import InvalidName, InvalidTarget, PortRefused
from aggportal.tls.scanning import ask, checked_addresses
from aggportal.tls.targets import Target, parse_name, parse_ports, parse_target, require_port


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("api.example.com", "api.example.com", 443),
        (" API.Example.com:6443 ", "api.example.com", 6443),
        ("https://api.example.com", "api.example.com", 443),
        ("https://api.example.com:8443/healthz?verbose#top", "api.example.com", 8443),
        ("HTTPS://api.example.com/", "api.example.com", 443),
        ("ldaps://ldap.example.com", "ldap.example.com", 636),
        ("localhost.", "localhost", 443),
        ("10.0.0.7:10250", "10.0.0.7", 10250),
        ("[2001:db8::7]:6443", "2001:db8::7", 6443),
        ("[2001:DB8::7]", "2001:db8::7", 443),
        ("2001:db8::7", "2001:db8::7", 443),
        ("https://[::1]:6443/readyz", "::1", 6443),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", 443),
    ],
)
def test_a_host_a_port_and_a_url_are_taken_apart(typed, host, port):
    assert parse_target(typed) == Target(host=host, port=port)


@pytest.mark.parametrize(
    "typed",
    [
        "", "   ", ":443", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001",
        "①②⑦.0.0.1", "127。0。0。1", "http://api.example.com", "ftp://api.example.com",
        "user:secret@api.example.com", "https://user@api.example.com/", "api.example.com:0",
        "api.example.com:65536", "api.example.com:https", "api example.com", "-api.example.com",
        "api.example.com\r\nHost: x", "[fe80::1%eth0]", "fe80::1%eth0", "[::1", "*.example.com",
        "a" * 3000, "api..example.com", "api.example.com\\@evil.example", "bücher.example", "\x00",
    ],
)  # fmt: skip
def test_what_is_no_address_in_its_usual_spelling_is_refused(typed):
    with pytest.raises(InvalidTarget) as caught:
        parse_target(typed)
    assert caught.value.field == "target"


@pytest.mark.parametrize(
    "typed",
    [
        "169.254.169.254", "[::ffff:169.254.169.254]:443", "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]", "0.0.0.0:443", "[::]", "224.0.0.1", "255.255.255.255",
        "100.100.100.200", "[fd00:ec2::254]", "[fe80::1]", "[ff02::1]",
    ],
)  # fmt: skip
def test_an_address_that_nobody_may_reach_is_denied(typed):
    with pytest.raises(EgressDenied):
        checked_addresses(parse_target(typed), EgressPolicy())


def _told(answers: list[str], host: str, port: int) -> list[str]:
    return answers


def test_a_name_that_leads_to_a_denied_address_is_denied_as_a_whole():
    target = parse_target("rebinding.example:443")
    for answers in (["169.254.169.254"], ["203.0.113.7", "::ffff:169.254.169.254"]):
        told = partial(_told, answers)
        with pytest.raises(EgressDenied):
            checked_addresses(target, EgressPolicy(), resolve=told)


def test_a_strict_operator_closes_loopback_by_name_too():
    strict = EgressPolicy(denied=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")))
    for typed in ("localhost.", "localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        with pytest.raises(EgressDenied):
            checked_addresses(parse_target(typed), strict)


def test_the_name_is_resolved_once_and_the_answers_are_kept():
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["203.0.113.7", "203.0.113.8", "203.0.113.7"]

    found = checked_addresses(parse_target("a.example"), EgressPolicy(), resolve=resolve)
    assert found == ("203.0.113.7", "203.0.113.8")
    assert asked == [("a.example", 443)]


def test_ports_are_an_allow_list():
    ports = parse_ports(["443", " 636", "1024-65535"])
    for port in (443, 636, 1024, 6443, 65535):
        require_port(Target(host="a.example", port=port), ports)
    for port in (1, 22, 25, 80, 442, 444, 1023):
        with pytest.raises(PortRefused) as caught:
            require_port(Target(host="a.example", port=port), ports)
    assert "443, 636, 1024-65535" in str(caught.value)


@pytest.mark.parametrize("text", ["", "0", "70000", "443-", "-443", "500-400", "https", "1-2-3"])
def test_a_wrong_port_of_the_operator_is_named(text):
    with pytest.raises(ValueError, match="port"):
        parse_ports([text])


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" API.wardle.svc. ", "api.wardle.svc"),
        ("10.0.0.7", "10.0.0.7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("kubernetes", "kubernetes"),
    ],
)
def test_a_name_to_check_is_brought_into_one_spelling(typed, name):
    assert parse_name(typed, field="name") == name


@pytest.mark.parametrize("typed", ["*.example.com", "a b", "127.1", "a\r\nb", "bücher.example"])
def test_what_is_no_name_is_refused(typed):
    with pytest.raises(InvalidName):
        parse_name(typed, field="name")


def test_what_is_left_open_is_filled_in():
    target = Target(host="10.0.0.7", port=6443)
    assert (ask(target).name, ask(target).server_name) == ("10.0.0.7", "")
    named = ask(target, name="api.wardle.svc")
    assert named.server_name == "api.wardle.svc"
    assert ask(target, name="api.wardle.svc", server_name="").server_name == ""
    host = ask(Target(host="a.example", port=443), name="10.0.0.7")
    assert (host.name, host.server_name) == ("10.0.0.7", "a.example")
