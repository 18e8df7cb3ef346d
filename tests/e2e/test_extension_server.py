"""The sample extension API server behind a real aggregation layer, followed by the reflector."""

from __future__ import annotations

import json
import time

import pytest

from aggportal.kube.apiservices import APISERVICES_PATH, parse_apiservice
from aggportal.kube.registering import Registration, register
from tests.e2e.control_plane import ExtensionServer, write_file
from tests.e2e.own_address import own_address
from tests.e2e.test_watching import Seen
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

NAME = "v1alpha1.wardle.example.com"
FLUNDERS = "/apis/wardle.example.com/v1alpha1/namespaces/default/flunders"


def front_proxy_flags(directory):
    """kube-apiserver's flags for a front-proxy authority of our own."""
    authority = TestAuthority(common_name="front-proxy-ca")
    pair = authority.client("front-proxy-client")
    files = {
        "requestheader-client-ca-file": ("ca.crt", authority.pem),
        "proxy-client-cert-file": ("client.crt", pair.certificate_pem),
        "proxy-client-key-file": ("client.key", pair.key_pem),
    }
    return [
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        *(f"--{flag}={write_file(directory / n, text)}" for flag, (n, text) in files.items()),
    ]


@pytest.fixture(scope="module", params=["loopback", "routed"])
def registered(request, start_control_plane, tmp_path_factory):
    """A control plane and a running, registered extension server, in both routing modes."""
    routed = request.param == "routed"
    flags = front_proxy_flags(tmp_path_factory.mktemp("front-proxy"))
    if not routed:
        yield from stand_registered(start_control_plane(flags), "127.0.0.1", routed=False)
        return
    flags.append("--enable-aggregator-routing=true")
    with own_address() as address:
        yield from stand_registered(start_control_plane(flags), address, routed=True)


def stand_registered(plane, address, *, routed):
    serving = TestAuthority(common_name="serving-ca")
    extension = ExtensionServer(
        plane=plane, serving=serving.serving("api.wardle.svc"), address=address
    )
    extension.start()
    if routed:
        plane.expose_by_endpoints("wardle", "api", address=address, port=extension.port)
    else:
        plane.expose_on_loopback("wardle", "api")
    registration = Registration(
        group="wardle.example.com",
        version="v1alpha1",
        service_namespace="wardle",
        service_name="api",
        service_port=443 if routed else extension.port,
        ca_bundle=serving.pem.encode(),
    )
    register(plane.client(), registration, seen=None, dry_run=False)
    yield plane, extension
    plane.stop()


def availability(plane):
    return parse_apiservice(plane.client().get_json(f"{APISERVICES_PATH}/{NAME}")).availability


def wait_until(wanted, seconds):
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_it_becomes_available_and_the_users_name_arrives(registered):
    plane, extension = registered
    wait_until(lambda: availability(plane).key == ("True", "Passed", "passed"), 40)
    grant_everything(plane, "ada")
    ada = plane.client(plane.authority.client("ada"))
    flunder = {
        "apiVersion": "wardle.example.com/v1alpha1",
        "kind": "Flunder",
        "metadata": {"name": "first"},
    }
    wait_until(lambda: ada.get_raw(FLUNDERS).status == 200, 20)
    ada.create(FLUNDERS, flunder)
    users = {
        json.loads(line)["user"]["username"]
        for line in extension.audit_log.read_text().splitlines()
        if "/flunders" in line
    }
    assert users == {"ada"}


def grant_everything(plane, user):
    group = "rbac.authorization.k8s.io"
    body = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"e2e-{user}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
    }
    plane.client().create(f"/apis/{group}/v1/clusterrolebindings", body)


def test_its_end_and_its_return_are_seen_as_soon_as_the_cluster_says_so(registered):
    plane, extension = registered
    wait_until(lambda: availability(plane).status == "True", 40)
    seen = Seen(plane.client())
    seen.wait_for(seen.item, 5)
    extension.stop(kill=True)
    seen.wait_for(lambda: parse_apiservice(seen.item()).availability.status == "False", 60)
    found = parse_apiservice(seen.item()).availability
    assert found.key == ("False", "FailedDiscoveryCheck", "connection-refused")
    extension.start()
    seen.wait_for(lambda: parse_apiservice(seen.item()).availability.status == "True", 60)
    seen.reflector.stop.set()
    seen.thread.join(2)
    assert seen.troubles == []
