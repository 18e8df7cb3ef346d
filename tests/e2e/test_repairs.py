"""Repairs on a real kube-apiserver: caBundle, serving Secret, an orphan, and what is refused."""

from __future__ import annotations

import base64
import json
import time

import pytest

from aggportal.kube.apiservices import APISERVICES_PATH
from aggportal.kube.errors import NotFound
from aggportal.kube.registering import Registration, register
from tests.e2e import cluster_deeds, deeds
from tests.e2e.control_plane import ExtensionServer
from tests.e2e.test_extension_server import NAME, front_proxy_flags
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

FLUNDERS = "/apis/wardle.example.com/v1alpha1/namespaces/default/flunders"
SECRET = "/api/v1/namespaces/wardle/secrets/api-serving-cert"
ORPHAN = "v1.orphan.example.com"
ECDSA = {"algo": "ecdsa", "size": 256}


@pytest.fixture(scope="module")
def plane(start_control_plane, tmp_path_factory):
    return start_control_plane(front_proxy_flags(tmp_path_factory.mktemp("front-proxy")))


@pytest.fixture(scope="module")
def serving():
    return TestAuthority(common_name="serving-ca")


@pytest.fixture(scope="module")
def wrong():
    return TestAuthority(common_name="another-ca")


@pytest.fixture(scope="module")
def cluster(administrator, plane, serving, wrong):
    """A connected cluster with a running extension server whose caBundle is another authority's."""
    extension = ExtensionServer(plane=plane, serving=serving.serving("api.wardle.svc"))
    extension.start()
    plane.expose_on_loopback("wardle", "api")
    _register(plane, NAME, service="api", port=extension.port, ca=wrong)
    _register(plane, ORPHAN, service="gone", port=443, ca=wrong)
    connected = cluster_deeds.connect_by_kubeconfig(
        administrator, name="repaired", kubeconfig=json.dumps(plane.kubeconfig())
    )
    path = f"/clusters/{cluster_deeds.slug_of(connected)}/"
    _wait(lambda: administrator.get(f"{path}apiservices/{ORPHAN}/").status == 200)
    return path


def _register(plane, name, *, service, port, ca):
    version, _, group = name.partition(".")
    wanted = Registration(
        group=group,
        version=version,
        service_namespace="wardle",
        service_name=service,
        service_port=port,
        ca_bundle=ca.pem.encode(),
    )
    register(plane.client(), wanted, seen=None, dry_run=False)


def _wait(wanted, seconds=40.0):
    ends = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < ends, "it did not come"
        time.sleep(0.3)


def bundle(plane):
    spec = plane.client().get_json(f"{APISERVICES_PATH}/{NAME}")["spec"]
    return base64.b64decode(spec["caBundle"]).decode()


def serves(plane):
    return plane.client().get_raw(FLUNDERS).status == 200


def try_bundle(visitor, cluster, **fields):
    at = visitor.open(f"{cluster}apiservices/{NAME}/bundle/")
    return visitor.send(at, at.page.form_with("pasted"), button="try", **fields)


def test_a_wrong_bundle_is_repaired_to_an_overlap_of_two(
    administrator, cluster, plane, serving, wrong
):
    assert not serves(plane)
    tried = try_bundle(administrator, cluster, pasted=serving.pem)
    assert tried.status == 200, tried.page.text
    assert "would take it as it stands" in tried.page.text
    assert bundle(plane) == wrong.pem
    done = administrator.send(tried, tried.page.form_with("seen"), button="apply", confirm=NAME)
    assert done.path == f"{cluster}apiservices/{NAME}/", done.page.text
    assert bundle(plane) == wrong.pem + serving.pem
    _wait(lambda: serves(plane))


def test_what_another_changed_in_between_is_a_conflict(administrator, cluster, plane, serving):
    tried = try_bundle(administrator, cluster, pasted=TestAuthority(common_name="third").pem)
    encoded = base64.b64encode(serving.pem.encode()).decode()
    path = f"{APISERVICES_PATH}/{NAME}"
    plane.client().patch(path, {"spec": {"caBundle": encoded}})
    done = administrator.send(tried, tried.page.form_with("seen"), button="apply", confirm=NAME)
    assert done.status in (409, 422)
    assert "changed" in done.page.text
    assert bundle(plane) == serving.pem
    _wait(lambda: serves(plane))


def test_a_built_in_one_is_refused(administrator, cluster):
    _wait(lambda: administrator.get(f"{cluster}apiservices/v1.apps/").status == 200)
    page = administrator.open(f"{cluster}apiservices/v1.apps/bundle/").page.text
    assert "part of Kubernetes itself" in page
    page = administrator.open(f"{cluster}apiservices/v1.apps/delete/").page.text
    assert "would not come back until kube-apiserver restarts" in page


@pytest.fixture(scope="module")
def issued(administrator, cluster):
    """A serving certificate of ours that the page of the Secret offers."""
    authority = deeds.make_authority(
        administrator,
        label="Repairs' serving CA",
        lane="serving",
        request=json.dumps({"CN": "repairs-serving", "key": ECDSA, "ca": {"expiry": "87600h"}}),
    )
    at = administrator.open(f"{cluster}apiservices/{NAME}/secret/")
    at = administrator.send(at, at.page.form_with("authority"), button="issue", authority=authority)
    assert "/secret/" in at.path, at.page.text
    assert at.status == 200
    return at


def try_secret(visitor, at):
    return visitor.send(at, at.page.form_with("namespaces"), button="try")


def write(visitor, tried):
    form = tried.page.form_with("seen-wardle")
    return visitor.send(tried, form, button="apply", confirm="api-serving-cert")


def test_the_serving_secret_is_written_and_watched(administrator, issued, plane):
    tried = try_secret(administrator, issued)
    assert tried.status == 200, tried.page.text
    assert "would make this Secret" in tried.page.text
    with pytest.raises(NotFound):
        plane.client().get_json(SECRET)
    done = write(administrator, tried)
    assert done.path.endswith("/secret/watch/"), done.page.text
    assert "Not known from here" in done.page.text
    secret = plane.client().get_json(SECRET)
    assert secret["type"] == "kubernetes.io/tls"
    assert b"PRIVATE KEY" in base64.b64decode(secret["data"]["tls.key"])


def test_a_secret_that_another_wrote_in_between_is_a_conflict(administrator, issued, plane):
    tried = try_secret(administrator, issued)
    assert "would change this Secret" in tried.page.text
    plane.client().patch(SECRET, {"metadata": {"annotations": {"by": "another"}}})
    done = write(administrator, tried)
    assert done.status == 409
    assert "changed by someone else meanwhile" in done.page.text
    assert write(administrator, done).path.endswith("/secret/watch/")
    kept = plane.client().get_json(SECRET)["metadata"]
    assert kept["annotations"] == {"by": "another"}
    assert kept["labels"]["app.kubernetes.io/managed-by"] == "aggportal"


def test_an_orphan_is_tried_then_deleted(administrator, cluster, plane):
    page = administrator.open(f"{cluster}apiservices/{ORPHAN}/delete/")
    assert "would delete it" in page.page.text
    assert "kind: APIService" in page.page.text
    assert plane.client().get_json(f"{APISERVICES_PATH}/{ORPHAN}")
    administrator.send(page, page.page.form_with("confirm"), confirm=ORPHAN)
    with pytest.raises(NotFound):
        plane.client().get_json(f"{APISERVICES_PATH}/{ORPHAN}")
    deeds_told = [entry["action"] for entry in cluster_deeds.ledger(administrator)]
    assert {"apiservice.bundle_patched", "secret.written", "apiservice.deleted"} <= set(deeds_told)
