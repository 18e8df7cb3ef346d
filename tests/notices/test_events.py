"""Notices as Kubernetes Events, in a cluster behind real TLS."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
import yaml
from django.utils import timezone

from aggportal.clusters.models import Cluster
from aggportal.clusters.services.clusters import connect_cluster, delete_cluster
from aggportal.kube.connections import from_token
from aggportal.kube.errors import PermissionDenied
from aggportal.notices.errors import NotConfigured
from aggportal.notices.kubernetes_events import MAX_NOTE, role_yaml
from aggportal.notices.models import Channel, ChannelKind, Delivery, DeliveryState
from aggportal.notices.services.channels import ChannelChoices, create_channel, try_channel
from aggportal.notices.services.delivering import deliver_due
from aggportal.notices.services.noticing import notice_what_is_due
from tests.kube.conftest import authority as tls_authority
from tests.kube.conftest import serve
from tests.kube.servers import answer, status_object
from tests.notices.makers import ADA, DAY, NOW, ending, make_authority

__all__ = ["serve"]

authority = tls_authority
pytestmark = pytest.mark.django_db
PATH = "/apis/events.k8s.io/v1/namespaces/watch/events"


@dataclass
class EventDoor:
    """An API server that takes Events, or refuses; `break_after` hangs up once it has one."""

    allowed: bool = True
    events: dict = field(default_factory=dict)

    def __call__(self, conn, asked):
        if (asked.method, asked.path) != ("POST", PATH):
            answer(conn, 404, status_object(404, "NotFound", "not found"))
        elif not self.allowed:
            answer(conn, 403, status_object(403, "Forbidden", "events is forbidden"))
        else:
            event = json.loads(asked.body)
            name = event["metadata"]["name"]
            known = name in self.events
            self.events.setdefault(name, event)
            answer(conn, 409 if known else 201, _conflict(name) if known else event)


def _conflict(name):
    return status_object(409, "AlreadyExists", f'events "{name}" already exists')


@pytest.fixture
def door():
    return EventDoor()


@pytest.fixture
def channel(db, serve, authority, door) -> Channel:
    server = serve(door)
    connection = from_token(server.url, authority.pem, "a-token-of-the-tests")
    cluster = connect_cluster("lab", connection, by=ADA, now=timezone.now())
    choices = ChannelChoices(name="lab events", cluster=cluster, namespace="watch")
    return create_channel(ChannelKind.EVENT, choices, by=ADA, now=NOW)


def test_what_ends_becomes_one_event_for_each_authority_and_threshold(channel, door):
    ours, other = make_authority(now=NOW - 60 * DAY), make_authority("zeta", now=NOW - 60 * DAY)
    for number in range(30):
        ending(ours, f"api-{number}", days=6)
    ending(ours, "later", days=20)
    ending(other, "zeta-api", days=6)
    notice_what_is_due(now=NOW)
    assert deliver_due(clock=lambda: NOW) == 1
    found = sorted(door.events.values(), key=lambda event: event["note"])
    assert [event["regarding"]["name"] for event in found] == [
        "front-proxy-ca",
        "front-proxy-ca",
        "zeta",
    ]
    assert found[0]["note"].startswith("(30) The certificate api-")
    assert all(len(event["note"]) <= MAX_NOTE for event in found)
    assert {event["type"] for event in found} == {"Warning"}
    assert {event["reason"] for event in found} == {"CertificateEnds"}
    assert {event["regarding"]["namespace"] for event in found} == {"watch"}


def test_a_second_attempt_creates_no_second_event(channel, door):
    ending(make_authority(now=NOW - 60 * DAY), days=6)
    notice_what_is_due(now=NOW)
    deliver_due(clock=lambda: NOW)
    Delivery.objects.update(state=DeliveryState.PENDING)
    later = NOW + DAY
    assert deliver_due(clock=lambda: later) == 1
    assert len(door.events) == 1


def test_an_account_that_may_not_is_told_what_is_missing(channel, door):
    door.allowed = False
    with pytest.raises(PermissionDenied):
        try_channel(channel, by=ADA, now=NOW)


def test_a_test_is_a_normal_event(channel, door):
    try_channel(channel, by=ADA, now=NOW)
    [event] = door.events.values()
    assert (event["type"], event["reason"]) == ("Normal", "AggPortalTest")


def test_a_cluster_that_was_removed_leaves_a_channel_that_says_so(channel):
    delete_cluster(Cluster.objects.get(), by=ADA, now=NOW)
    channel.refresh_from_db()
    with pytest.raises(NotConfigured, match="was removed"):
        try_channel(channel, by=ADA, now=NOW)


def test_the_role_asks_for_nothing_but_creating_events():
    role, binding = yaml.safe_load_all(role_yaml(namespace="watch"))
    assert role["rules"] == [
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]}
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "watch"
