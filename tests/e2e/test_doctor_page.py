"""A fault on a real cluster stands on the doctor's page, and goes when it is mended."""

from __future__ import annotations

import dataclasses
import json
import time

import pytest

from aggportal.kube.apiservices import APISERVICES_PATH, parse_apiservice
from aggportal.kube.registering import Registration, register
from tests.e2e import cluster_deeds
from tests.e2e.control_plane import ExtensionServer
from tests.e2e.test_extension_server import NAME, front_proxy_flags
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

REFUSED = "x509: certificate signed by unknown authority"


@pytest.fixture(scope="module")
def plane(start_control_plane, tmp_path_factory):
    return start_control_plane(front_proxy_flags(tmp_path_factory.mktemp("front-proxy")))


@pytest.fixture(scope="module")
def serving():
    return TestAuthority(common_name="serving-ca")


@pytest.fixture(scope="module")
def registration(plane, serving):
    """A running extension server, registered with the caBundle of another authority."""
    pair = serving.serving("api.wardle.svc")
    extension = ExtensionServer(plane=plane, serving=pair, address="127.0.0.1")
    extension.start()
    plane.expose_on_loopback("wardle", "api")
    wrong = Registration(
        group="wardle.example.com",
        version="v1alpha1",
        service_namespace="wardle",
        service_name="api",
        service_port=extension.port,
        ca_bundle=TestAuthority(common_name="another-ca").pem.encode(),
    )
    register(plane.client(), wrong, seen=None, dry_run=False)
    yield wrong
    extension.stop()


@pytest.fixture(scope="module")
def doctor(administrator, plane, registration):
    """The address of the doctor's page of the connected cluster."""
    kubeconfig = json.dumps(plane.kubeconfig())
    connected = cluster_deeds.connect_by_kubeconfig(
        administrator, name="doctored", kubeconfig=kubeconfig
    )
    return f"/clusters/{cluster_deeds.slug_of(connected)}/doctor/"


def ask_until(visitor, doctor, wanted, seconds=60):
    """Press "Ask now" until the page's board says what is wanted; the board as text."""
    ends = time.monotonic() + seconds
    while True:
        at = visitor.open(doctor)
        board = at.page.element("doctor-board").text
        if wanted(board):
            return board
        assert time.monotonic() < ends, board
        assert visitor.send(at, at.page.form("/doctor/ask/")).status == 200
        time.sleep(1)


def test_a_wrong_ca_bundle_is_found_though_the_cluster_calls_it_available(administrator, doctor):
    board = ask_until(administrator, doctor, lambda text: REFUSED in text)
    assert NAME in board
    assert "Requests reach the backend" in board
    cluster = doctor.removesuffix("doctor/")
    page = administrator.open(f"{cluster}apiservices/{NAME}/").page.text
    assert REFUSED in page
    assert "Passed" in page
    assert "error" in administrator.open("/clusters/").page.text


def test_it_goes_when_it_is_mended_and_is_kept_as_what_was(
    administrator, doctor, plane, registration, serving
):
    ask_until(administrator, doctor, lambda text: REFUSED in text)
    mended = dataclasses.replace(registration, ca_bundle=serving.pem.encode())
    client = plane.client()
    seen = register(client, mended, seen=_seen(client), dry_run=False)
    assert seen.ca_bundle == serving.pem.encode()
    ask_until(administrator, doctor, lambda text: REFUSED not in text)
    history = administrator.open(f"{doctor}history/").page.text
    assert "A09" in history
    assert "cluster.examined" in {row["action"] for row in cluster_deeds.ledger(administrator)}


def _seen(client):
    return parse_apiservice(client.get_json(f"{APISERVICES_PATH}/{NAME}"))
