"""Where the portal may connect to, in every spelling of the same address."""

from __future__ import annotations

import ipaddress
import time

import pytest

from aggportal.kube.egress import PRIVATE, EgressPolicy, resolve_permitted
from aggportal.kube.errors import EgressDenied, TimedOut, Unreachable
from aggportal.kube.servers import Server

STRICT = EgressPolicy(denied=PRIVATE)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "0.1.2.3", "169.254.169.254", "169.254.0.1", "100.100.100.200", "192.0.0.192",
        "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "fe80::1", "febf::1", "fec0::1",
        "ff02::1", "ff00::", "100::1", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254",
        "::ffff:0.0.0.0", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2001:0:1:1::5601:5601",
    ],
)  # fmt: skip
def test_never_reached(address):
    assert not EgressPolicy().permits(ipaddress.ip_address(address))
    everything = EgressPolicy(
        allowed=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    )
    assert not everything.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.1", "127.0.0.1", "::1", "fd12::1"])
def test_private_networks_are_reached_unless_the_operator_is_strict(address):
    assert EgressPolicy().permits(ipaddress.ip_address(address))
    assert not STRICT.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:10.0.0.1", "::127.0.0.1"]
)
def test_strictness_looks_inside_ipv6_addresses(address):
    assert not STRICT.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_reached(address):
    assert STRICT.permits(ipaddress.ip_address(address))


def test_an_allow_list_closes_everything_else():
    policy = EgressPolicy(allowed=(ipaddress.ip_network("10.0.0.0/8"),))
    assert policy.permits(ipaddress.ip_address("10.1.1.1"))
    assert not policy.permits(ipaddress.ip_address("8.8.8.8"))
    assert not policy.permits(ipaddress.ip_address("::ffff:8.8.8.8"))


def resolve(answers, policy=EgressPolicy(), seconds=1.0):  # noqa: B008 - frozen
    server = Server(host="k8s.example.com", port=6443)
    return resolve_permitted(
        server, policy, deadline_seconds=seconds, resolve=lambda host, port: answers
    )


def test_every_answer_must_be_permitted():
    assert resolve(["10.0.0.1", "10.0.0.2", "10.0.0.1"]) == ("10.0.0.1", "10.0.0.2")
    for bad in ("169.254.169.254", "fe80::1%eth0", "nonsense"):
        with pytest.raises(EgressDenied):
            resolve(["10.0.0.1", bad])


def test_a_name_without_address_is_unreachable():
    with pytest.raises(Unreachable) as caught:
        resolve([])
    assert caught.value.reason == "dns"


def test_a_name_that_the_system_does_not_know_is_unreachable():
    server = Server(host="no-such-host.invalid", port=1)
    with pytest.raises((Unreachable, TimedOut)):
        resolve_permitted(server, EgressPolicy(), deadline_seconds=5)


def test_a_slow_resolver_is_left_behind():
    def slow(host, port):
        time.sleep(3)
        return []

    started = time.monotonic()
    with pytest.raises(TimedOut):
        resolve_permitted(
            Server(host="slow.example.com", port=1),
            EgressPolicy(),
            deadline_seconds=0.1,
            resolve=slow,
        )
    assert time.monotonic() - started < 2  # the resolver itself takes longer


def test_an_address_needs_no_resolver():
    server = Server(host="::1", port=6443)
    assert resolve_permitted(server, EgressPolicy(), deadline_seconds=1) == ("::1",)
