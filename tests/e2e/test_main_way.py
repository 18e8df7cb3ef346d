"""From the recipe's JSON files to Available=True and back, on a real control plane.

The portal runs as a person runs it, web and worker, and is visited over HTTP. Each variant has a
control plane of its own; its tests stand in the order in which a person goes.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import time
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aggportal.kube.apiservices import APISERVICES_PATH
from tests.e2e import cluster_deeds
from tests.e2e.cluster_side import (
    APISERVICE,
    FLUNDERS,
    apply_documents,
    let_create_flunders,
    moment_of,
    touch_service,
    users_in_audit,
    wait_until,
)
from tests.e2e.deeds import pair_in
from tests.e2e.live_page import LivePage
from tests.e2e.own_address import own_address
from tests.e2e.variants import VARIANTS
from tests.e2e.way import walk

pytestmark = pytest.mark.e2e

# How long the availability controller may take: it checks about every 30 s by itself.
CONTROLLER_SECONDS = 45
PAGE_SECONDS = 3


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda variant: variant.name)
def way(request, administrator, start_control_plane, tmp_path_factory):
    """One variant, walked up to the connected cluster."""
    folder = tmp_path_factory.mktemp(request.param.name)
    with contextlib.nullcontext() if request.param.kube_proxy else own_address():
        way = walk(administrator, request.param, start_control_plane, folder)
        yield way
        way.plane.stop()


@pytest.fixture
def seen(way):
    with LivePage(way.visitor, way.cluster, APISERVICE) as seen:
        yield seen


def is_available(text):
    return "Available" in text and "Not available" not in text


def test_kube_apiserver_runs_with_exactly_the_rendered_flags(way):
    command = way.plane.apiserver.flags
    assert command[-len(way.flags) :] == way.flags
    routed = "--enable-aggregator-routing=true" in way.flags
    assert routed == (not way.variant.kube_proxy)


def registration(way):
    return {
        "group": "wardle.example.com",
        "version": "v1alpha1",
        "service_namespace": "wardle",
        "service_name": "api",
        "service_port": str(way.service_port),
        "authority": way.issued.serving_authority,
    }


def may_write(way):
    """Give the portal's account the rule that the test page offers for download."""
    role = cluster_deeds.downloaded_role(way.visitor, way.cluster)
    apply_documents(way.plane, role)


def is_registered(way):
    answer = way.plane.client().get_raw(f"{APISERVICES_PATH}/{APISERVICE}")
    return answer.status == 200


@pytest.mark.parametrize("way", VARIANTS[:2], indirect=True, ids=lambda variant: variant.name)
def test_an_account_that_may_only_read_registers_nothing(way):
    tried = cluster_deeds.try_to_register(way.visitor, way.cluster, **registration(way))
    assert tried.status == 422
    assert "aggportal" in tried.page.text
    assert not is_registered(way)


def test_what_was_tried_on_the_server_is_registered_and_becomes_available(way, seen):
    may_write(way)
    tried = cluster_deeds.try_to_register(way.visitor, way.cluster, **registration(way))
    assert tried.status == 200, tried.page.text
    assert not is_registered(way)
    manifest = yaml.safe_load(tried.page.element("manifest").text)
    bundle = base64.b64decode(manifest["spec"]["caBundle"]).decode()
    assert bundle.strip() == way.issued.serving_ca_pem.strip()
    done = cluster_deeds.register(way.visitor, tried)
    assert (done.status, done.path) == (200, f"/clusters/{way.cluster}/"), done.page.text
    changed = moment_of(way.plane, "True", CONTROLLER_SECONDS)
    assert seen.wait_until(is_available, 10) - changed < PAGE_SECONDS
    assert "Passed" in seen.text


def test_a_non_admins_name_reaches_the_extension_server(way):
    client = way.plane.client(let_create_flunders(way.plane, "ada"))
    wait_until(lambda: client.get_raw(FLUNDERS).status == 200, 20)
    flunder = {
        "apiVersion": "wardle.example.com/v1alpha1",
        "kind": "Flunder",
        "metadata": {"name": "first"},
    }
    made = client.create(FLUNDERS, flunder)
    assert made["metadata"]["name"] == "first"
    groups = users_in_audit(way.extension)["ada"]
    assert "fishers" in groups
    assert "system:masters" not in groups


def test_the_page_says_within_three_seconds_why_a_stopped_server_is_not_available(way, seen):
    seen.wait_until(is_available, 30)
    way.extension.stop(kill=True)
    stopped = time.monotonic()
    touch_service(way.plane)
    changed = moment_of(way.plane, "False", CONTROLLER_SECONDS)
    shown = seen.wait_until(lambda text: "Not available" in text, 10, since=stopped)
    assert shown - changed < PAGE_SECONDS
    assert "FailedDiscoveryCheck" in seen.text
    assert "connection refused" in seen.text
    assert str(way.extension.port) in seen.text


def test_and_within_three_seconds_that_it_is_back(way, seen):
    way.extension.start()
    started = time.monotonic()
    touch_service(way.plane)
    changed = moment_of(way.plane, "True", CONTROLLER_SECONDS)
    shown = seen.wait_until(is_available, 10, since=started)
    assert shown - changed < PAGE_SECONDS
    history = way.visitor.open(f"/clusters/{way.cluster}/apiservices/{APISERVICE}/").page.text
    assert "FailedDiscoveryCheck" in history


@pytest.mark.parametrize("way", VARIANTS[:1], indirect=True, ids=lambda variant: variant.name)
def test_a_killed_kube_apiserver_is_told_and_its_return_too(way, seen):
    seen.wait_until(is_available, 30)
    way.plane.stop_apiserver(kill=True)
    killed, now = time.monotonic(), dt.datetime.now(dt.UTC)
    try:
        told = seen.wait_until(lambda text: "Out of reach" in text, 15, since=killed)
        banner = seen.shown[-1]
    finally:
        way.plane.start_apiserver()
    assert told - killed < 5
    assert "refuses the connection" in banner.text
    assert "last known" in banner.text
    assert abs(banner.times[0] - now) < dt.timedelta(seconds=10)  # since when
    seen.wait_until(lambda text: "Out of reach" not in text and is_available(text), 15, since=told)


def test_a_name_mistyped_deletes_nothing(way):
    refused = cluster_deeds.delete(way.visitor, way.cluster, APISERVICE, typed="v1.apps")
    assert refused.status == 422
    assert is_registered(way)


def test_the_name_typed_deletes_it_and_the_page_shows_it_gone(way, seen):
    seen.wait_until(is_available, 10)
    done = cluster_deeds.delete(way.visitor, way.cluster, APISERVICE, typed=APISERVICE)
    assert (done.status, done.path) == (200, f"/clusters/{way.cluster}/"), done.page.text
    deleted = time.monotonic()
    assert not is_registered(way)
    gone = seen.wait_until(lambda text: APISERVICE not in text, 10)
    assert gone - deleted < PAGE_SECONDS


def test_the_ledger_has_every_deed_of_the_way_in_its_order(way):
    since = cluster_deeds.ledger(way.visitor)[way.earlier :]
    # Revocation lists are the worker's own doing, whenever its round comes.
    entries = [entry for entry in since if entry["action"] != "crl.published"]
    done = [entry["action"] for entry in entries if entry["outcome"] == "done"]
    assert done == [
        *way.variant.authority_deeds,
        "certificate.issued",
        "certificate.issued",
        "certificate.key_taken",
        "certificate.key_taken",
        "cluster.connected",
        "apiservice.registered",
        "apiservice.deleted",
    ]
    assert {entry["actor_name"] for entry in entries} == {"admin"}
    assert {entry["address"] for entry in entries} == {"127.0.0.1"}


def test_the_ledger_holds(way, portal):
    assert "The ledger holds" in portal.manage("ledger_verify")


def test_the_database_alone_opens_nothing(way, portal):
    files = [path.read_bytes() for path in (portal.data / "database").iterdir()]
    for secret in secrets_of(way):
        assert not any(secret in body for body in files)
    assert not any(b"PRIVATE KEY" in body for body in files)
    # That the search finds what is there: certificates are no secret.
    assert any(way.issued.ca_pem.splitlines()[1].encode() in body for body in files)


def secrets_of(way):
    """What must not be found: the keys' private numbers, plain and as PEM; the credential."""
    proxy = pair_in(way.issued.installed, way.issued.base)
    for pem in (proxy.key_pem, way.issued.serving.key_pem):
        key: Any = load_pem_private_key(pem.encode(), None)
        numbers = key.private_numbers()
        lines = pem.splitlines()[1:]
        if isinstance(numbers, RSAPrivateNumbers):
            yield numbers.p.to_bytes(128, "big")
            yield numbers.q.to_bytes(128, "big")
            lines = lines[9:20]  # behind the modulus, which is public
        else:
            yield numbers.private_value.to_bytes(32, "big")
        yield lines[0].encode()
    # The first line of a PEM, or the three parts of a token.
    body = way.credential.removeprefix("-----BEGIN EC PRIVATE KEY-----\n").splitlines()[0]
    yield from (part.encode() for part in body.split("."))
