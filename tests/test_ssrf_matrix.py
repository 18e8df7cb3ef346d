"""Every spelling of an address that is denied, at every entrance: nothing is connected to.

Names are resolved by the test's own resolver, and every `connect` is caught before it leaves, so
that nothing reaches the network whatever happens.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage

from aggportal.anchors.sinks import parse_sink
from aggportal.clusters.services.connections import egress_policy, test_connection
from aggportal.kube import egress
from aggportal.kube.connections import from_token
from aggportal.kube.kubeconfig import connection_for, parse_kubeconfig
from aggportal.notices.mailing import CheckedBackend
from aggportal.notices.posting import post
from aggportal.notices.webhooks import parse_target as parse_webhook
from aggportal.tls.scanning import checked_addresses
from aggportal.tls.targets import parse_target
from aggportal.words import RefusedError
from tests.kube.tls import TestAuthority
from tests.pki.certificates_made import NOW

PRIVATE = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"]
PUBLIC = "203.0.113.10"  # RFC 5737: nobody's
LOOPBACK = """127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 0x7f.1 0x7F.0.0.1
017700000001 0177.0.0.1 00000177.1 0 0.0.0.0 localhost LOCALHOST localhost. a.localhost 127.0.0.1.
①②⑦.0.0.1 １２７.0.0.1 127。0。0。1 127．0．0．1 localho\u017ft loc\u00adalhost
[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::127.0.0.1]
[2002:7f00:1::] [2001:0:7f00:1::] [0:0:0:0:0:0:0:1] [::1%25lo] [::ffff:0:127.0.0.1]""".split()  # noqa: SIM905  # read more easily so
METADATA = """169.254.169.254 169.254.43518 0xa9fea9fe 2852039166 0251.0376.0251.0376 [fe80::1]
[::ffff:169.254.169.254] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::] [fd00:ec2::254] 100.100.100.200
192.0.0.192 224.0.0.1 255.255.255.255 169.254.169.254. metadata.google.internal
metadata.google.internal. instance-data 169.254.169.254.nip.example""".split()  # noqa: SIM905  # read more easily so
TRICKS = """user@127.0.0.1 127.0.0.1@evil.example evil.example#@127.0.0.1 evil.example\\@127.0.0.1
good.example%00.127.0.0.1 127.0.0.1%2f good.example:80@127.0.0.1 two-answers.example""".split()  # noqa: SIM905  # read more easily so
SPELLINGS = [*LOOPBACK, *METADATA, *TRICKS]
AUTHORITY = TestAuthority()


def by_token(url: str) -> None:
    report = test_connection(from_token(url, AUTHORITY.pem, "token"))
    if report.error:
        raise report.error


def by_kubeconfig(url: str) -> None:
    data = base64.b64encode(AUTHORITY.pem.encode()).decode()
    doc = {
        "clusters": [{"name": "c", "cluster": {"server": url, "certificate-authority-data": data}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    report = test_connection(connection_for(parse_kubeconfig(json.dumps(doc)), "x"))
    if report.error:
        raise report.error


def by_scan(url: str) -> None:
    target = parse_target(url)
    for address in checked_addresses(target, egress_policy()):
        egress.open_checked((address,), target.port, seconds=1)


def by_webhook(url: str) -> None:
    post(parse_webhook(url), b"{}", {}, policy=egress_policy(), seconds=2)


def by_anchor(url: str) -> None:
    parse_sink(url).take("note", now=None)  # type: ignore[arg-type]  # an HTTP sink reads no clock


def by_mail(url: str) -> None:
    host = url.removeprefix("https://").partition("/")[0].rpartition(":")[0].strip("[]")
    backend = CheckedBackend(host=host, port=25, timeout=2)
    backend.send_messages([EmailMessage("s", "b", "a@example.com", ["b@example.com"])])


ENTRANCES = [by_token, by_kubeconfig, by_scan, by_webhook, by_anchor, by_mail]


class Net:
    """What was asked of the resolver, and where somebody wanted to connect to."""

    def __init__(self, answer: Callable[[str, int], list[str]]) -> None:
        self.asked: list[str] = []
        self.connected: list[str] = []
        self._answer = answer

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self._answer(host, len(self.asked))

    def connect(self, _socket: socket.socket, address: tuple[str, int]) -> None:
        self.connected.append(address[0])
        raise ConnectionRefusedError(111, "refused by the test")


def as_a_lenient_resolver(host: str, _number: int) -> list[str]:
    """glibc reads odd numbers as addresses; a hostile zone answers what it likes."""
    if "two-answers" in host:
        return [PUBLIC, "127.0.0.1"]
    return ["169.254.169.254" if "metadata" in host or "169" in host else "127.0.0.1"]


@pytest.fixture
def caught(monkeypatch, settings):
    settings.EGRESS_DENY, settings.EGRESS_ALLOW = PRIVATE, []

    def through(answer: Callable[[str, int], list[str]]) -> Net:
        net = Net(answer)
        monkeypatch.setattr(egress, "system_resolve", net.resolve)
        monkeypatch.setattr(socket.socket, "connect", lambda sock, to: net.connect(sock, to))
        return net

    return through


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda entrance: entrance.__name__)
def test_ssrf_matrix(entrance, caught):
    net = caught(as_a_lenient_resolver)
    for spelling in SPELLINGS:
        with pytest.raises(RefusedError) as refused:
            entrance(f"https://{spelling}:8443/x")
        assert str(refused.value), spelling
    assert len(SPELLINGS) > 60
    assert net.connected == []


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda entrance: entrance.__name__)
def test_a_name_that_answers_differently_the_second_time_gains_nothing(entrance, caught):
    net = caught(lambda host, number: [PUBLIC] if number == 1 else ["127.0.0.1"])
    with pytest.raises((RefusedError, OSError)):
        entrance("https://rebinding.example:8443/x")
    assert net.asked == ["rebinding.example"]
    assert set(net.connected) == {PUBLIC}


@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda entrance: entrance.__name__)
def test_a_listener_on_a_denied_address_hears_nothing(entrance, settings):
    settings.EGRESS_DENY = PRIVATE
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.05)
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]"):
            with pytest.raises(RefusedError):
                entrance(f"https://{host}:{canary.getsockname()[1]}/")
        with pytest.raises(TimeoutError):
            canary.accept()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]"])
@pytest.mark.parametrize("scheme", ["syslog", "syslog+tcp"])
def test_no_line_of_syslog_leaves_to_a_denied_address(scheme, host, caught):
    net = caught(as_a_lenient_resolver)
    with pytest.raises(RefusedError):
        parse_sink(f"{scheme}://{host}:514").take("note", now=NOW)
    assert net.connected == []
