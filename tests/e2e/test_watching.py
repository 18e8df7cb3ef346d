"""The client and the reflector against a real kube-apiserver."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time

import pytest

from aggportal.kube.apiservices import APISERVICES_PATH, ServiceReference, parse_apiservice
from aggportal.kube.errors import (
    Conflict,
    Gone,
    Invalid,
    KubeError,
    NotFound,
    PermissionDenied,
    TakeoverRefused,
    Unauthorized,
)
from aggportal.kube.permissions import READ_RULES, WRITE_RULES
from aggportal.kube.registering import Registration, build_manifest, register, unregister
from aggportal.kube.watching import Reflector, Snapshot
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

NAME = "v1alpha1.wardle.example.com"
REGISTRATION = Registration(
    group="wardle.example.com",
    version="v1alpha1",
    service_namespace="wardle",
    service_name="api",
)


class Seen:
    """What a reflector said, and when."""

    def __init__(self, client):
        self.snapshots: list[Snapshot] = []
        self.troubles: list[tuple[KubeError, dt.datetime]] = []
        self.reflector = Reflector(
            client=client,
            now=lambda: dt.datetime.now(dt.UTC),
            on_snapshot=self.snapshots.append,
            on_trouble=lambda error, since: self.troubles.append((error, since)),
        )
        self.thread = threading.Thread(target=self.reflector.run, daemon=True)
        self.thread.start()

    def wait_for(self, wanted, seconds):
        """Seconds until `wanted()`; fails when it takes longer."""
        started = time.monotonic()
        while not wanted():
            assert time.monotonic() - started < seconds, self.troubles[-1:]
            time.sleep(0.01)
        return time.monotonic() - started

    def item(self):
        return self.snapshots[-1].items.get(NAME) if self.snapshots else None


@pytest.fixture
def seen(control_plane):
    seen = Seen(control_plane.client())
    yield seen
    seen.reflector.stop.set()
    seen.thread.join(2)
    assert not seen.thread.is_alive()


def test_all_built_in_apiservices_are_read_and_local(control_plane):
    listing = control_plane.client().list_pages(APISERVICES_PATH)
    services = [parse_apiservice(each) for each in listing.items]
    assert len(services) > 20
    assert all(each.is_local and each.odd == () for each in services)
    assert {each.availability.cause.code for each in services} == {"local"}


def test_a_created_and_a_deleted_apiservice_are_seen_within_a_second(control_plane, seen):
    client = control_plane.client()
    seen.wait_for(lambda: seen.snapshots, 5)
    client.create(APISERVICES_PATH, build_manifest(REGISTRATION))
    seen.wait_for(seen.item, 1)
    seen.wait_for(
        lambda: parse_apiservice(seen.item()).availability.reason == "ServiceNotFound", 10
    )
    client.delete(f"{APISERVICES_PATH}/{NAME}")
    seen.wait_for(lambda: not seen.item(), 1)
    assert seen.troubles == []


def test_a_killed_apiserver_is_noticed_and_its_return_too(control_plane, seen):
    seen.wait_for(lambda: seen.snapshots, 5)
    control_plane.stop_apiserver(kill=True)
    assert seen.wait_for(lambda: seen.troubles, 3) < 3
    count = len(seen.snapshots)
    control_plane.start_apiserver()
    seen.wait_for(lambda: len(seen.snapshots) > count, 7)
    control_plane.client().create(APISERVICES_PATH, build_manifest(REGISTRATION))
    seen.wait_for(seen.item, 1)
    control_plane.client().delete(f"{APISERVICES_PATH}/{NAME}")


def test_a_politely_stopped_apiserver_is_noticed_too(control_plane, seen):
    seen.wait_for(lambda: seen.snapshots, 5)
    control_plane.stop_apiserver()
    seen.wait_for(lambda: seen.troubles, 3)
    count = len(seen.snapshots)
    control_plane.start_apiserver()
    seen.wait_for(lambda: len(seen.snapshots) > count, 7)


def test_registering_is_tried_first_then_done_and_undone(control_plane):
    client, path = control_plane.client(), f"{APISERVICES_PATH}/{NAME}"
    register(client, REGISTRATION, seen=None, dry_run=True)
    with pytest.raises(NotFound):
        client.get_json(path)
    made = register(client, REGISTRATION, seen=None, dry_run=False)
    assert made.service == ServiceReference(namespace="wardle", name="api")
    with pytest.raises(Conflict):
        register(client, REGISTRATION, seen=None, dry_run=False)
    unregister(client, made, dry_run=True)
    unregister(client, made)
    with pytest.raises(NotFound):
        client.get_json(path)


def port_of(found):
    return found.service.port


def test_replacing_needs_the_spec_that_was_seen(control_plane):
    client = control_plane.client()
    made = register(client, REGISTRATION, seen=None, dry_run=False)
    moved = dataclasses.replace(REGISTRATION, service_port=8443)
    now = register(client, moved, seen=made, dry_run=False)
    assert (port_of(now), now.uid) == (8443, made.uid)
    with pytest.raises(Conflict):
        register(client, REGISTRATION, seen=made, dry_run=False)
    with pytest.raises(Conflict):
        unregister(client, dataclasses.replace(made, uid="11111111-2222-3333-4444-555555555555"))
    unregister(client, now)


def test_built_in_apiservices_are_neither_replaced_nor_deleted(control_plane):
    client = control_plane.client()
    built_in = parse_apiservice(client.get_json(f"{APISERVICES_PATH}/v1.apps"))
    with pytest.raises(TakeoverRefused):
        unregister(client, built_in)


def test_server_side_apply_owns_its_fields(control_plane):
    client, path = control_plane.client(), "/api/v1/namespaces/default/configmaps/e2e"
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "e2e"},
        "data": {"a": "1"},
    }
    client.apply(path, body)
    owners = client.get_json(path)["metadata"]["managedFields"]
    assert [each["manager"] for each in owners] == ["aggportal"]


def test_the_api_names_the_fields_that_it_refuses(control_plane):
    manifest = build_manifest(REGISTRATION)
    manifest["spec"]["versionPriority"] = 0
    manifest["metadata"]["name"] = "v2.other.example.com"
    with pytest.raises(Invalid) as caught:
        control_plane.client().create(APISERVICES_PATH, manifest, dry_run=True)
    fields = {each.field for each in caught.value.causes}
    assert {"metadata.name", "spec.versionPriority"} <= fields


def test_the_rules_tell_an_admin_from_a_stranger(control_plane):
    stranger = control_plane.client(control_plane.authority.client("mallory"))
    rules = READ_RULES + WRITE_RULES
    assert all(each.allowed for each in control_plane.client().can_i(rules))
    allowed = [str(each.rule) for each in stranger.can_i(rules) if each.allowed]
    assert allowed == ["get /version"]
    with pytest.raises(PermissionDenied) as caught:
        stranger.list_pages(APISERVICES_PATH)
    assert "mallory" in caught.value.message


def test_a_certificate_of_another_authority_is_unauthorized(control_plane):
    pair = TestAuthority(common_name="elsewhere").client("mallory", "system:masters")
    with pytest.raises((Unauthorized, PermissionDenied)):
        control_plane.client(pair).list_pages(APISERVICES_PATH)


def test_an_old_version_to_watch_from_is_gone(control_plane):
    client = control_plane.client()
    with client.watch(APISERVICES_PATH, "1", window=1) as stream, pytest.raises(Gone):
        list(stream)


def test_the_version_is_the_servers(control_plane):
    assert control_plane.client().version().git_version.startswith("v")
