"""A pod's port through an API server that refuses, says something else, or sends without end."""

from __future__ import annotations

import base64
import hashlib
import time
from contextlib import contextmanager

import pytest
import yaml

from aggportal.kube.client import ApiClient, Timeouts
from aggportal.kube.connections import BearerToken, Connection
from aggportal.kube.egress import PRIVATE, EgressPolicy
from aggportal.kube.errors import (
    EgressDenied,
    InvalidInput,
    KubeError,
    PermissionDenied,
    Redirected,
)
from aggportal.kube.permissions import AccessRule, render_forwarding
from aggportal.kube.places import PodPort
from tests.kube.servers import ScriptedServer, answer, status_object
from tests.kube.tls import TestAuthority

AUTHORITY = TestAuthority()
PLACE = PodPort(namespace="clinic", pod="api-1", port=8443)
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@contextmanager
def cluster(script, *, egress=EgressPolicy()):  # noqa: B008 - a frozen value
    server = ScriptedServer(script=script, pair=AUTHORITY.serving("127.0.0.1"))
    connection = Connection(
        server=server.url, ca_pem=AUTHORITY.pem, auth=BearerToken(token="a-token")
    )
    try:
        yield ApiClient(connection, egress=egress, timeouts=Timeouts(connect=2.0, total=4.0))
    finally:
        server.stop()


def upgraded(conn, asked):
    """Agree to the websocket, as kube-apiserver does."""
    key = next(value for name, value in asked.headers.items() if name.lower() == KEY)
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()  # noqa: S324
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
    conn.sendall(head.encode())


KEY = "sec-websocket-key"


def frame(payload):
    return bytes([0x82, len(payload)]) + payload


def test_a_refusal_is_told_with_the_servers_words():
    refusal = status_object(403, "Forbidden", "cannot create resource pods/portforward")

    def script(conn, asked):
        answer(conn, 403, refusal, Content_Type="application/json")

    with cluster(script) as client, pytest.raises(PermissionDenied, match="cannot create"):
        client.forward(PLACE, seconds=3)


def test_a_redirect_is_not_followed():
    def script(conn, asked):
        answer(conn, 302, {}, Location="https://127.0.0.1:1/")

    with cluster(script) as client, pytest.raises((Redirected, KubeError)):
        client.forward(PLACE, seconds=3)


def test_a_forward_keeps_to_the_policy_of_what_may_be_connected_to():
    egress = EgressPolicy(denied=PRIVATE)
    with cluster(answer, egress=egress) as client, pytest.raises(EgressDenied):
        client.forward(PLACE, seconds=3)


@pytest.mark.parametrize("place", [("a/b", "x", 1), ("a", "x?y", 1), ("a", "x", 0)])
def test_what_is_no_port_of_a_pod_is_not_asked_for(place):
    namespace, pod, port = place
    with pytest.raises(InvalidInput):
        PodPort(namespace=namespace, pod=pod, port=port).path  # noqa: B018


def test_bytes_come_without_the_channels_numbers_and_trouble_ends_it():
    def script(conn, asked):
        upgraded(conn, asked)
        port = (8443).to_bytes(2, "little")
        for payload in (b"\0" + port, b"\1" + port, b"\0hello", b"\1connection refused"):
            conn.sendall(frame(payload))
        time.sleep(1)

    with cluster(script) as client:
        forward = client.forward(PLACE, seconds=3)
        assert (forward.recv(100), forward.recv(100)) == (b"hello", b"")
        assert forward.trouble == "connection refused"
        forward.close()


def test_a_frame_without_end_is_cut_off():
    def script(conn, asked):
        upgraded(conn, asked)
        conn.sendall(bytes([0x82, 127]) + (1 << 40).to_bytes(8, "big"))
        for _ in range(100):
            conn.sendall(b"x" * 65_536)

    with cluster(script) as client:
        forward = client.forward(PLACE, seconds=10)
        with pytest.raises(OSError, match="more bytes"):
            forward.recv(100)
        forward.close()


def test_a_server_that_agrees_and_never_speaks_is_left_in_time():
    def script(conn, asked):
        upgraded(conn, asked)
        time.sleep(20)

    with cluster(script) as client:
        began = time.monotonic()
        forward = client.forward(PLACE, seconds=1)
        with pytest.raises((TimeoutError, ConnectionError)):
            forward.recv(100)
        assert time.monotonic() - began < 18
        forward.close()


def test_each_namespace_has_a_role_of_its_own():
    documents = list(yaml.safe_load_all(render_forwarding(["b", "a", "b", "no name"])))
    assert [(each["kind"], each["metadata"]["namespace"]) for each in documents] == [
        ("Role", "a"), ("RoleBinding", "a"), ("Role", "b"), ("RoleBinding", "b")
    ]  # fmt: skip
    assert documents[0]["rules"][0]["resources"] == ["pods/portforward"]
    rule = AccessRule(verb="create", resource="pods/portforward", namespace="a")
    assert str(rule) == "create pods/portforward in a"
