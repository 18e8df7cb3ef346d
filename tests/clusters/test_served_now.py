"""What a backend serves now, seen by a handshake as the cluster's settings want it."""

from __future__ import annotations

import base64

import pytest
from django.utils import timezone

from aggportal.clusters.models import WatchedAPIService
from aggportal.clusters.services.serving import served_by, would_not_verify
from aggportal.doctor.evidence import Way
from aggportal.pki.reading import read_certificates
from tests.clusters.fake_cluster import raw_apiservice
from tests.kube.servers import ScriptedServer
from tests.kube.tls import TestAuthority

NAME = "v1.demo.example.com"
SERVICE = "/api/v1/namespaces/demo/services/api"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices"


@pytest.fixture
def serving():
    return TestAuthority(common_name="serving-ca")


@pytest.fixture
def backend(serving):
    server = ScriptedServer(script=lambda conn, asked: None, pair=serving.serving("api.demo.svc"))
    yield server
    server.stop()


@pytest.fixture
def row(cluster, backend, serving):
    bundle = base64.b64encode(serving.pem.encode()).decode()
    raw = raw_apiservice(NAME, service=f"demo/api:{backend.port}", caBundle=bundle)
    return WatchedAPIService(cluster=cluster, name=NAME, raw=raw)


@pytest.fixture
def behind(fake_cluster, backend):
    """The Service leads to the backend, and to a pod with its port."""
    spec = {"type": "ExternalName", "externalName": "127.0.0.1"}
    fake_cluster.objects[SERVICE] = {"metadata": {"name": "api"}, "spec": spec}


@pytest.fixture
def pods(fake_cluster, backend):
    """The Service leads to a pod that only kube-apiserver reaches."""
    ports = [{"name": "https", "port": backend.port, "targetPort": 8443}]
    fake_cluster.objects[SERVICE] = {"metadata": {"name": "api"}, "spec": {"ports": ports}}
    target = {"kind": "Pod", "name": "api-1", "namespace": "demo"}
    endpoint = {"addresses": ["192.0.2.10"], "targetRef": target}
    part = {"ports": [{"name": "https", "port": 8443}], "endpoints": [endpoint]}
    fake_cluster.objects[SLICES] = {"metadata": {}, "items": [{"addressType": "IPv4", **part}]}


def test_nobody_shakes_hands_where_the_settings_do_not_want_it(cluster, row, behind, backend):
    assert served_by(cluster, row) is None
    assert backend.connections == 0


def test_what_the_backend_serves_is_seen_and_its_bundle_verifies_it(cluster, row, behind, serving):
    cluster.shakes_hands = True
    probed = served_by(cluster, row)
    assert probed is not None
    assert probed.chain[0].issuer == "CN=serving-ca"
    bundle = read_certificates(serving.pem)
    assert would_not_verify(probed, bundle, now=timezone.now()) is None


def test_a_bundle_that_would_not_verify_what_is_served_is_warned_of(cluster, row, behind):
    cluster.shakes_hands = True
    other = read_certificates(TestAuthority(common_name="another-ca").pem)
    doubt = would_not_verify(served_by(cluster, row), other, now=timezone.now())
    assert "issued by CN=serving-ca" in str(doubt)
    assert "would not verify it" in str(doubt)


def test_where_ports_are_forwarded_the_portal_connects_to_no_backend(cluster, row, pods, backend):
    cluster.forwards_ports = True
    probed = served_by(cluster, row)
    assert probed is not None
    assert (probed.way, probed.address) == (Way.FORWARD, "demo/api-1:8443")
    assert probed.trouble is not None
    assert backend.connections == 0
