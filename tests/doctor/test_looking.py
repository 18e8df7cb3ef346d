"""What a look asks a real TLS server on loopback: never much at once, and what a refusal leaves."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aggportal.doctor.evidence import Unread
from aggportal.doctor.examining import examine
from aggportal.doctor.findings import Verdict
from aggportal.doctor.looking import Background, look
from aggportal.doctor.probing import Probe
from aggportal.kube.apiservices import APISERVICES_PATH
from aggportal.kube.client import ApiClient, Timeouts
from aggportal.kube.connections import BearerToken, Connection
from aggportal.kube.egress import PRIVATE, EgressPolicy
from aggportal.kube.permissions import DOCTOR_RULES, AccessRule
from tests.doctor.evidence_made import raw
from tests.kube.servers import ScriptedServer, answer, status_object
from tests.kube.tls import TestAuthority

NOW = dt.datetime(2027, 3, 1, 12, 0, tzinfo=dt.UTC)
AUTHORITY = TestAuthority()


class Crowd:
    """How many requests are being answered, at most and in all."""

    def __init__(self) -> None:
        self.now = self.most = self.total = 0
        self.lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        with self.lock:
            self.now, self.total = self.now + 1, self.total + 1
            self.most = max(self.most, self.now)
        yield
        with self.lock:
            self.now -= 1


@contextmanager
def cluster(script):
    """A client of a server with this script."""
    server = ScriptedServer(script=script, pair=AUTHORITY.serving("127.0.0.1"))
    auth = BearerToken(token="a-token")
    connection = Connection(server=server.url, ca_pem=AUTHORITY.pem, auth=auth)
    timeouts = Timeouts(connect=3.0, total=10.0)
    try:
        yield ApiClient(connection, egress=EgressPolicy(), timeouts=timeouts)
    finally:
        server.stop()


def listing(count):
    """`count` APIServices, each in front of a Service of its own."""
    items = []
    for number in range(count):
        document = raw(group=f"g{number}.example.com")
        document["metadata"] = {"name": f"v1.g{number}.example.com"}
        document["spec"]["service"]["name"] = f"api-{number}"
        items.append(document)
    return {"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items}


def refusing(count, *, crowd=None):
    """Lists APIServices and forbids the rest, as a server with RBAC does."""
    crowd = crowd or Crowd()

    def script(conn, asked):
        with crowd.one():
            time.sleep(0.005)
            listed = asked.path == APISERVICES_PATH
            forbidden = status_object(403, "Forbidden", "no")
            body = (200, listing(count)) if listed else (403, forbidden)
        answer(conn, *body, Content_Type="application/json")

    return script


def test_no_more_than_four_requests_are_in_flight():
    crowd = Crowd()
    with cluster(refusing(30, crowd=crowd)) as client:
        look(client, now=NOW, background=Background(secrets=True))
    assert crowd.total > 60
    assert 2 <= crowd.most <= 4


@pytest.fixture(scope="module")
def refused():
    with cluster(refusing(1)) as client:
        yield look(client, now=NOW, background=Background())


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("trust", "get configmaps"),
        ("namespaces", "list namespaces"),
        ("autoscalers", "list horizontalpodautoscalers.autoscaling"),
        ("crds", "list customresourcedefinitions.apiextensions.k8s.io"),
        ("server_pods", "list pods"),
        ("delegator", "get clusterroles.rbac.authorization.k8s.io"),
        ("auth_reader", "get roles.rbac.authorization.k8s.io"),
        ("cluster_bindings", "list clusterrolebindings.rbac.authorization.k8s.io"),
        ("reader_bindings", "list rolebindings.rbac.authorization.k8s.io"),
        ("cluster_roles", "list clusterroles.rbac.authorization.k8s.io"),
        ("system_roles", "list roles.rbac.authorization.k8s.io"),
        ("daemonsets", "list daemonsets.apps"),
        ("control_nodes", "list nodes"),
        ("some_node", "list nodes"),
        ("freshness", "get /apis"),
        ("metrics", "get /metrics"),
    ],
)
def test_what_is_forbidden_carries_a_rule_of_the_doctors_role(refused, field, rule):
    read = getattr(refused, field)
    assert isinstance(read, Unread)
    assert str(read.rule) == rule
    one_config_map = AccessRule(verb="get", resource="configmaps")
    assert read.rule in {*DOCTOR_RULES, one_config_map}


def test_a_service_and_policies_that_are_forbidden_carry_theirs(refused):
    (behind,) = refused.services.values()
    assert str(behind.service.rule) == "get services"
    assert str(refused.policies["clinic"].rule) == "list networkpolicies.networking.k8s.io"


def test_nothing_that_was_forbidden_is_called_well():
    with cluster(refusing(1)) as client:
        report = examine(client, now=NOW)
    # What the APIService itself says is read, and the turns are counted elsewhere.
    own = {"A01", "A02", "A03", "A12", "A13", "A14", "A15", "A27"}
    assert {each.check for each in report.having(Verdict.PASSED)} <= own


def test_nothing_is_shaken_and_no_secret_read_unless_asked_for(refused):
    assert refused.probes == {}
    assert refused.injected == {}


def test_a_handshake_keeps_to_the_policy_of_what_may_be_connected_to():
    def script(conn, asked):
        spec = {"type": "ExternalName", "externalName": "127.0.0.1"}
        bodies = {
            APISERVICES_PATH: listing(1),
            "/api/v1/namespaces/clinic/services/api-0": {"spec": spec},
        }
        found = bodies.get(asked.path)
        gone = (404, status_object(404, "NotFound", "no"))
        answer(conn, *((200, found) if found else gone), Content_Type="application/json")

    probe = Probe(egress=EgressPolicy(denied=PRIVATE))
    with cluster(script) as client:
        found = look(client, now=NOW, background=Background(probe=probe))
    (probed,) = found.probes.values()
    assert probed.chain == ()
    assert "must not connect" in str(probed.trouble)
