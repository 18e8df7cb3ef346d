"""The serving certificate of a pod that only kube-apiserver's `pods/portforward` reaches.

No kubelet runs here: one of the tests' own stands behind a Node object, and kube-apiserver passes
the websocket on to it as to any other.
"""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
import yaml

from aggportal.doctor import roots
from aggportal.doctor.findings import Verdict
from aggportal.doctor.probing import Probe
from aggportal.kube.apiservices import APISERVICES_PATH
from aggportal.kube.egress import PRIVATE, EgressPolicy
from aggportal.kube.permissions import DOCTOR_RULES, READ_RULES, render_forwarding, render_rules
from tests.e2e.backend import NAME, Backend
from tests.e2e.clinic import APISERVICE, Authority, Clinic, apiservice, no_admission_of_accounts
from tests.e2e.kubelet import Kubelet
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

SERVING = Authority(common_name="serving-ca")
GOOD = SERVING.serving("api.clinic.svc", days=(-1, 300))
SPACE = "/api/v1/namespaces/clinic"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/clinic/endpointslices"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
# Nobody answers there: an address for documentation (RFC 5737).
NOWHERE = "192.0.2.10"


@pytest.fixture(scope="module")
def backend():
    made = Backend(GOOD)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def kubelet(backend):
    pair = TestAuthority(common_name="kubelet-ca").serving("127.0.0.1")
    made = Kubelet(pair, {("api-1", 8443): backend.port})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def clinic(start_control_plane, backend, kubelet):
    made = Clinic(start_control_plane(no_admission_of_accounts()), backend, SERVING)
    made.plane.ensure_namespace("clinic")
    made.plane.ensure_namespace("kube-system")
    put_pod(made.client, kubelet.port)
    ports = [{"name": "https", "port": 443, "targetPort": 8443}]
    service = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "api"}}
    spec = {"ports": ports, "selector": {"app": "api"}}
    made.client.create(f"{SPACE}/services", {**service, "spec": spec})
    made.client.create(APISERVICES_PATH, apiservice(NAME, SERVING.pem, 443))
    put_endpoints(made.client)
    made.background = dataclasses.replace(made.background, probe=through(made.client))
    return made


def through(client):
    """Nothing else may be connected to: who shakes hands directly would be refused."""
    return Probe(egress=EgressPolicy(denied=PRIVATE), through=client)


def put_pod(client, port):
    """The pod on a node whose kubelet listens at `port`."""
    node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node-a"}}
    made = dict(client.create("/api/v1/nodes", node))
    made["status"] = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    client.replace("/api/v1/nodes/node-a/status", made)
    spec = {"nodeName": "node-a", "containers": [{"name": "api", "image": "none"}]}
    metadata = {"name": "api-1", "labels": {"app": "api"}}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec}
    made = dict(client.create(f"{SPACE}/pods", pod))
    made["status"] = {"phase": "Running", "podIP": NOWHERE}
    client.replace(f"{SPACE}/pods/api-1/status", made)


def put_endpoints(client):
    target = {"kind": "Pod", "name": "api-1", "namespace": "clinic"}
    metadata = {"name": "api", "labels": {"kubernetes.io/service-name": "api"}}
    ports = [{"name": "https", "port": 8443, "protocol": "TCP"}]
    if client.get_raw(SLICES).status == 200:
        endpoint = {"addresses": [NOWHERE], "nodeName": "node-a", "targetRef": target}
        kind = {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1"}
        body = {**kind, "metadata": metadata, "addressType": "IPv4", "ports": ports}
        client.create(SLICES, {**body, "endpoints": [endpoint]})
    address = {"ip": NOWHERE, "nodeName": "node-a", "targetRef": target}
    body = {"kind": "Endpoints", "apiVersion": "v1", "metadata": metadata}
    subsets = [{"addresses": [address], "ports": ports}]
    client.create(f"{SPACE}/endpoints", {**body, "subsets": subsets})


@contextlib.contextmanager
def shown(clinic, pair):
    clinic.backend.present(pair)
    try:
        yield
    finally:
        clinic.backend.present(GOOD)


def test_a_sound_certificate_is_seen_and_nothing_but_a_handshake_is_sent(clinic, kubelet):
    seen = clinic.passes("A15", "A16", "A17", "A18")
    told = " ".join(str(each) for each in seen["A18"].evidence)
    assert "through pods/portforward at clinic/api-1:8443" in told
    assert set(kubelet.asked) == {("api-1", 8443)}
    assert b"api.clinic.svc" in kubelet.heard
    assert b"GET " not in kubelet.heard


FAULTS = {
    "another authority": ("A16", Authority(common_name="other").serving("api.clinic.svc")),
    "another name": ("A17", SERVING.serving("api.elsewhere.svc", days=(-1, 300))),
    "expired": ("A18", SERVING.serving("api.clinic.svc", days=(-9, -2))),
    "for clients": ("A18", SERVING.client("api")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_certificate_is_found_and_passes_when_it_is_mended(clinic, fault):
    check, pair = FAULTS[fault]
    with shown(clinic, pair):
        found = clinic.finds(check)[check]
        assert "pods/portforward" in " ".join(str(each) for each in found.evidence)
    clinic.passes(check)


def test_a_chain_to_a_public_root_needs_no_bundle(clinic, tmp_path, monkeypatch):
    without = {"caBundle": None}
    with clinic.changed(APISERVICE, lambda doc: doc["spec"].update(without)):
        seen = clinic.finds("A15")
        assert seen["A16"].verdict == Verdict.UNCHECKED
        root = tmp_path / "roots.pem"
        root.write_text(SERVING.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(root))
        roots.public_roots.cache_clear()
        clinic.passes("A15", "A16")
    roots.public_roots.cache_clear()


def test_a_pod_that_does_not_listen_leaves_them_unchecked(clinic, kubelet):
    usual = dict(kubelet.ports)
    kubelet.ports.clear()
    try:
        seen = clinic.sees(Verdict.UNCHECKED, "A16", "A17", "A18")
        assert "connection refused" in str(seen["A18"].sentence)
    finally:
        kubelet.ports.update(usual)
    clinic.passes("A16", "A17", "A18")


def test_without_the_permission_they_are_unchecked_with_the_rule_and_the_printed_role_helps(clinic):
    account = clinic.plane.authority.client("system:serviceaccount:aggportal:aggportal")
    client = clinic.plane.client(account)
    clinic.background = dataclasses.replace(clinic.background, probe=through(client))
    try:
        with made_of(clinic, *reading_role()):
            seen = clinic.look(client)
            for check in ("A16", "A17", "A18"):
                assert seen[check].verdict == Verdict.UNCHECKED
                assert str(seen[check].rule) == "get pods/portforward in clinic"
            with made_of(clinic, *yaml.safe_load_all(render_forwarding(["clinic"]))):
                clinic.passes("A16", "A17", "A18")
    finally:
        probe = through(clinic.client)
        clinic.background = dataclasses.replace(clinic.background, probe=probe)


def reading_role():
    """What the doctor reads in the whole cluster, for the portal's account."""
    name, group = {"name": "aggportal"}, "rbac.authorization.k8s.io"
    rules = yaml.safe_load(render_rules([*READ_RULES, *DOCTOR_RULES]))
    account = {"kind": "ServiceAccount", "name": "aggportal", "namespace": "aggportal"}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "aggportal"}
    yield {"kind": "ClusterRole", "metadata": name, "rules": rules}
    yield {"kind": "ClusterRoleBinding", "metadata": name, "roleRef": role, "subjects": [account]}


@contextlib.contextmanager
def made_of(clinic, *documents):
    """These RBAC objects meanwhile."""
    with contextlib.ExitStack() as stack:
        for document in documents:
            version = {"apiVersion": "rbac.authorization.k8s.io/v1"}
            there = document["metadata"].get("namespace")
            path = f"{RBAC}/namespaces/{there}" if there else RBAC
            stack.enter_context(
                clinic.made(f"{path}/{document['kind'].lower()}s", {**document, **version})
            )
        yield
