"""What a watch saw becomes rows, and the version moves only when a page would change."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from django.utils import timezone

from aggportal.clusters.models import (
    Availability,
    Cluster,
    Tls,
    Transition,
    WatchedAPIService,
)
from aggportal.clusters.services.clusters import replace_credentials
from aggportal.clusters.services.leadership import Leadership, NotLeading
from aggportal.clusters.services.snapshots import (
    Superseded,
    write_heard,
    write_snapshot,
    write_trouble,
)
from aggportal.kube.errors import Unreachable
from aggportal.kube.watching import Snapshot
from tests.clusters.conftest import ADA
from tests.clusters.fake_cluster import local_apiservice, raw_apiservice

METRICS = "v1beta1.metrics.k8s.io"
REFUSED = Unreachable("%(host)s refuses the connection.", reason="refused", host="lab:6443")


@pytest.fixture
def see(cluster, leadership):
    """Write a snapshot of raw objects; `changed` None means a full list."""

    def write(*raws, changed=None, now=None):
        names = frozenset(raw["metadata"]["name"] for raw in raws)
        snapshot = Snapshot(
            items={raw["metadata"]["name"]: raw for raw in raws},
            synced_at=now or timezone.now(),
            changed=names if changed is None else frozenset(changed),
            resource_version="7",
            relisted=changed is None,
        )
        moment = now or timezone.now()
        return write_snapshot(cluster, snapshot, leadership=leadership, now=moment)

    return write


def newer(raw, version="2", **metadata):
    return raw | {"metadata": raw["metadata"] | metadata | {"resourceVersion": version}}


def test_a_first_list_becomes_rows_with_counts_and_a_version(see, cluster):
    version = see(local_apiservice("v1.apps"), raw_apiservice(METRICS, status="False"))
    cluster.state.refresh_from_db()
    assert (version, cluster.state.version) == (1, 1)
    assert (cluster.state.total, cluster.state.available, cluster.state.connected) == (2, 1, True)
    row = WatchedAPIService.objects.get(name=METRICS)
    assert (row.service, row.state_version, row.is_local) == ("demo/api:443", 1, False)
    assert WatchedAPIService.objects.get(name="v1.apps").is_local


def test_the_same_list_again_moves_nothing(see):
    raws = (local_apiservice("v1.apps"), raw_apiservice(METRICS))
    assert see(*raws) == see(*raws) == 1
    assert Transition.objects.count() == 2


def test_a_change_that_no_page_shows_is_stored_without_a_new_version(see):
    raw = raw_apiservice(METRICS)
    see(raw)
    noted = newer(raw, annotations={"a": "b"}, managedFields=[{"manager": "kubectl"}])
    assert see(noted, changed=[METRICS]) == 1
    stored = WatchedAPIService.objects.get().raw["metadata"]
    assert stored["annotations"] == {"a": "b"}
    assert "managedFields" not in stored


def test_only_rows_that_changed_carry_the_new_version(see):
    apps, metrics = local_apiservice("v1.apps"), raw_apiservice(METRICS)
    see(apps, metrics)
    broken = newer(raw_apiservice(METRICS, status="False", reason="MissingEndpoints"))
    assert see(apps, broken, changed=[METRICS]) == 2
    assert dict(WatchedAPIService.objects.values_list("name", "state_version")) == {
        "v1.apps": 1,
        METRICS: 2,
    }


def test_a_transition_is_recorded_when_status_reason_or_cause_change_and_not_for_an_address(see):
    def failing(version, address):
        text = f"failing or missing response from https://{address}:443: connection refused"
        raw = raw_apiservice(METRICS, status="False", reason="FailedDiscoveryCheck", message=text)
        return newer(raw, version)

    see(failing("1", "10.0.0.1"))
    assert see(failing("2", "10.0.0.2"), changed=[METRICS]) == 2
    see(newer(raw_apiservice(METRICS), "3"), changed=[METRICS])
    steps = Transition.objects.order_by("pk").values_list("came_from", "went_to", "cause")
    assert list(steps) == [("", "False", "connection-refused"), ("False", "True", "passed")]


def test_a_transition_has_the_clusters_own_time_when_the_status_changed(see):
    see(raw_apiservice(METRICS, since="2026-01-01T00:00:00Z"))
    see(newer(raw_apiservice(METRICS, status="False", since="2026-02-01T00:00:00Z")))
    last = Transition.objects.latest("pk")
    assert last.at == dt.datetime(2026, 2, 1, tzinfo=dt.UTC)


def test_a_transition_from_the_future_gets_our_own_time(see):
    see(raw_apiservice(METRICS))
    see(newer(raw_apiservice(METRICS, status="False", since="2999-01-01T00:00:00Z")))
    assert Transition.objects.latest("pk").at <= timezone.now()


def test_what_is_gone_from_a_full_list_is_deleted_and_its_history_stays(see):
    see(raw_apiservice(METRICS), local_apiservice("v1.apps"))
    assert see(local_apiservice("v1.apps")) == 2
    assert list(WatchedAPIService.objects.values_list("name", flat=True)) == ["v1.apps"]
    assert Transition.objects.filter(name=METRICS).latest("pk").went_to == ""


def test_a_change_touches_no_row_that_it_does_not_name(see):
    see(raw_apiservice(METRICS), local_apiservice("v1.apps"))
    assert see(local_apiservice("v1.apps"), changed=["v1.apps"]) == 1
    assert WatchedAPIService.objects.filter(name=METRICS).exists()


def test_facts_of_the_ca_bundle_are_read_when_the_row_is_written(see, authority):
    bundle = base64.b64encode(authority.pem.encode()).decode()
    see(raw_apiservice(METRICS, caBundle=bundle))
    row = WatchedAPIService.objects.get()
    assert (row.tls, row.ca_subject, row.ca_count) == (Tls.BUNDLE, "CN=test-ca", 1)
    assert row.ca_not_after == authority.certificate.not_valid_after_utc


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"insecureSkipTLSVerify": True}, Tls.UNVERIFIED),
        ({"caBundle": base64.b64encode(b"no certificate").decode()}, Tls.BROKEN),
        ({"caBundle": "%%%"}, Tls.BROKEN),
        ({}, Tls.SYSTEM),
    ],
)
def test_every_kind_of_tls_is_told_apart(see, spec, kind):
    see(raw_apiservice(METRICS, **spec))
    assert WatchedAPIService.objects.get().tls == kind


@pytest.mark.parametrize(
    "message",
    ["a\x00b", "\ud800", "<script>alert(1)</script>", "\u202e", "x" * 100_000],
)
def test_text_of_a_hostile_cluster_can_be_stored(see, message):
    raw = raw_apiservice(METRICS, message=message)
    raw["metadata"]["labels"] = {message: message}
    see(raw)
    assert WatchedAPIService.objects.get().available == Availability.TRUE


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**40, -1, "many", None])
def test_a_number_that_is_none_can_be_stored(see, number):
    see(raw_apiservice(METRICS, groupPriorityMinimum=number))
    assert WatchedAPIService.objects.get().available == Availability.TRUE


def test_a_name_that_kubernetes_would_not_give_is_left_out(see, cluster):
    see(raw_apiservice("v1." + "a" * 400), raw_apiservice(METRICS))
    cluster.state.refresh_from_db()
    assert cluster.state.total == 1


def test_the_longest_name_that_kubernetes_takes_is_kept(see):
    name = f"v{'1' * 62}.{'.'.join(['a' * 62] * 4)}a"
    see(raw_apiservice(name))
    assert WatchedAPIService.objects.get().name == name


def test_trouble_keeps_what_was_known_and_says_why_and_since_when(see, cluster, leadership):
    heard = timezone.now() - dt.timedelta(minutes=4)
    see(raw_apiservice(METRICS), now=heard)
    write_trouble(cluster, REFUSED, since=timezone.now(), leadership=leadership)
    cluster.state.refresh_from_db()
    assert (cluster.state.connected, cluster.state.version) == (False, 2)
    assert str(cluster.state.trouble_sentence) == "lab:6443 refuses the connection."
    assert "API server runs" in str(cluster.state.remedy_sentence)
    assert (cluster.state.since, WatchedAPIService.objects.count()) == (heard, 1)


def test_the_same_trouble_again_moves_nothing(see, cluster, leadership):
    see(raw_apiservice(METRICS))
    for _ in range(2):
        write_trouble(cluster, REFUSED, since=timezone.now(), leadership=leadership)
    cluster.state.refresh_from_db()
    assert cluster.state.version == 2


def test_the_next_snapshot_ends_the_trouble(see, cluster, leadership):
    see(raw_apiservice(METRICS))
    write_trouble(cluster, REFUSED, since=timezone.now(), leadership=leadership)
    assert see(raw_apiservice(METRICS), changed=[]) == 3
    cluster.state.refresh_from_db()
    assert cluster.state.connected
    assert cluster.state.trouble is None


def test_a_sign_of_life_moves_the_time_and_not_the_version(see, cluster):
    see(raw_apiservice(METRICS))
    at = timezone.now() + dt.timedelta(seconds=5)
    write_heard([(cluster.pk, at)])
    cluster.state.refresh_from_db()
    assert (cluster.state.heard_at, cluster.state.version) == (at, 1)


def test_a_worker_that_does_not_lead_writes_nothing(cluster, leadership):
    other = Leadership(holder="other", term=leadership.term)
    with pytest.raises(NotLeading):
        write_trouble(cluster, REFUSED, since=timezone.now(), leadership=other)
    cluster.state.refresh_from_db()
    assert cluster.state.version == 0


def test_history_keeps_its_order_though_the_clusters_times_are_cut_to_seconds(see):
    fresh = raw_apiservice(METRICS)
    del fresh["status"]
    see(fresh)
    first = Transition.objects.get()
    cut = first.at.replace(microsecond=0).isoformat()
    see(newer(raw_apiservice(METRICS, since=cut)), changed=[METRICS])
    assert [each.went_to for each in Transition.objects.order_by("at", "pk")] == ["Unknown", "True"]


def test_an_old_apiservice_is_known_since_its_own_time(see):
    see(raw_apiservice(METRICS, since="2026-01-01T00:00:00Z"))
    assert Transition.objects.get().at == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_what_the_old_credentials_showed_is_not_written_over_the_new(
    see, cluster, leadership, connection
):
    see(raw_apiservice(METRICS))
    before = Cluster.objects.get()
    replace_credentials(cluster, connection, by=ADA, now=timezone.now())
    with pytest.raises(Superseded):
        write_trouble(before, REFUSED, since=timezone.now(), leadership=leadership)
    with pytest.raises(Superseded):
        see(raw_apiservice(METRICS, status="False"))
    assert WatchedAPIService.objects.get().available == "True"
