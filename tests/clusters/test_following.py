"""A worker follows clusters as they come, change and go, and lets another take its place."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from aggportal.clusters.liveness import liveness_of
from aggportal.clusters.models import Cluster, ClusterState, Transition, WatchedAPIService
from aggportal.clusters.services import snapshots
from aggportal.clusters.services.clusters import (
    connect_cluster,
    delete_cluster,
    replace_credentials,
)
from aggportal.clusters.services.leadership import present_lease
from aggportal.clusters.services.working import Worker
from aggportal.kube.connections import from_token
from aggportal.kube.watching import Pace
from aggportal.web.periodic import Schedule
from tests.clusters.conftest import ADA
from tests.clusters.fake_cluster import local_apiservice, raw_apiservice
from tests.kube.servers import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

METRICS = "v1beta1.metrics.k8s.io"
QUICK = Pace(delays=(0.1, 0.2), window=20, probe_every=0.5, probe_seconds=0.5, settled=0.5)


@pytest.fixture
def start():
    """Start workers; all are stopped at the end, each within two seconds."""
    running = []

    def begin(name="one"):
        worker = Worker(name=name, pace=QUICK, schedule=Schedule(jobs={}))
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        running.append((worker, thread))
        return worker

    yield begin
    for worker, _ in running:
        worker.stop.set()
    for _, thread in running:
        thread.join(30)
        assert not thread.is_alive()


def wait_for(wanted, seconds=40.0):
    """Seconds until `wanted()` holds."""
    begun = time.monotonic()
    while not wanted():
        assert time.monotonic() - begun < seconds
        time.sleep(0.02)
    return time.monotonic() - begun


def state_of(cluster):
    return ClusterState.objects.get(cluster=cluster)


def live(cluster):
    return liveness_of(state_of(cluster), present_lease(), now=timezone.now()).kind


def status():
    return WatchedAPIService.objects.values_list("available", flat=True).get(name=METRICS)


def test_a_cluster_is_followed_once_it_is_connected(start, fake_cluster, cluster):
    fake_cluster.put(raw_apiservice(METRICS))
    assert live(cluster) == "old"
    start()
    wait_for(lambda: live(cluster) == "live")
    wait_for(lambda: state_of(cluster).kube_version == "v1.31.4")
    assert (state_of(cluster).total, status()) == (1, "True")


def test_a_change_in_the_cluster_is_written_at_once(start, fake_cluster, cluster):
    fake_cluster.put(raw_apiservice(METRICS))
    start()
    wait_for(lambda: live(cluster) == "live")
    fake_cluster.put(raw_apiservice(METRICS, status="False", reason="MissingEndpoints"))
    wait_for(lambda: status() == "False")
    fake_cluster.remove(METRICS)
    wait_for(lambda: not WatchedAPIService.objects.exists())
    assert Transition.objects.count() == 3


def test_a_quiet_cluster_stays_live_by_its_signs_of_life(start, cluster):
    start()
    wait_for(lambda: live(cluster) == "live")
    before = state_of(cluster)
    wait_for(lambda: state_of(cluster).heard_at > before.heard_at)
    assert state_of(cluster).version in (before.version, before.version + 1)


def test_a_cluster_out_of_reach_is_marked_old_and_recovers_by_itself(
    start, fake_cluster, api_server, cluster
):
    fake_cluster.put(raw_apiservice(METRICS))
    start()
    wait_for(lambda: live(cluster) == "live")
    api_server.stop()
    wait_for(lambda: live(cluster) == "old")
    wait_for(lambda: "refuses" in str(state_of(cluster).trouble_sentence))
    assert status() == "True"
    again = ScriptedServer(script=fake_cluster, pair=api_server.pair, port=api_server.port)
    try:
        wait_for(lambda: live(cluster) == "live")
    finally:
        again.stop()


def test_new_credentials_are_used_without_a_restart(
    start, fake_cluster, api_server, authority, cluster
):
    fake_cluster.token = "the-right-token"
    start()
    wait_for(lambda: state_of(cluster).trouble is not None)
    right = from_token(api_server.url, authority.pem, "the-right-token")
    replace_credentials(cluster, right, by=ADA, now=timezone.now())
    wait_for(lambda: live(cluster) == "live")


def test_a_deleted_cluster_is_left_alone(start, fake_cluster, api_server, cluster):
    fake_cluster.put(local_apiservice("v1.apps"))
    start()
    wait_for(lambda: live(cluster) == "live")
    delete_cluster(cluster, by=ADA, now=timezone.now())
    time.sleep(2.0)
    asked = len(api_server.asked)
    fake_cluster.put(local_apiservice("v1.batch"))
    time.sleep(1.0)
    assert (Cluster.objects.count(), len(api_server.asked)) == (0, asked)


def test_of_two_workers_one_watches_and_the_other_takes_over(start, fake_cluster, cluster):
    first, second = start("one"), start("two")
    wait_for(lambda: first.is_leading or second.is_leading)
    leading, waiting = (first, second) if first.is_leading else (second, first)
    wait_for(lambda: live(cluster) == "live")
    assert not waiting.is_leading
    leading.stop.set()
    wait_for(lambda: waiting.is_leading)
    fake_cluster.put(raw_apiservice(METRICS))
    wait_for(lambda: WatchedAPIService.objects.filter(name=METRICS).exists())


def test_a_stopped_worker_says_so_at_once(start, cluster):
    worker = start()
    wait_for(lambda: live(cluster) == "live")
    worker.stop.set()
    wait_for(lambda: live(cluster) == "old")
    now = timezone.now()
    assert "worker" in str(liveness_of(state_of(cluster), present_lease(), now=now).why)


def test_one_silent_cluster_does_not_hold_up_another(start, serve, authority, cluster):
    deaf = serve(lambda conn, asked: time.sleep(90))
    silent = from_token(deaf.url, authority.pem, "t")
    connect_cluster("silent", silent, by=ADA, now=timezone.now())
    start()
    wait_for(lambda: live(cluster) == "live", 20)


def test_a_database_that_is_away_for_a_moment_loses_nothing(
    start, fake_cluster, cluster, monkeypatch
):
    fake_cluster.put(raw_apiservice(METRICS))
    start()
    wait_for(lambda: live(cluster) == "live")
    real, left = snapshots.write_snapshot, [1, 1]

    def hiccup(*args, **kwargs):
        if left:
            left.pop()
            raise OperationalError("the server closed the connection unexpectedly")
        return real(*args, **kwargs)

    monkeypatch.setattr(snapshots, "write_snapshot", hiccup)
    fake_cluster.put(raw_apiservice(METRICS, status="False"))
    wait_for(lambda: status() == "False")


def test_no_log_line_holds_the_credentials(start, fake_cluster, cluster, caplog):
    fake_cluster.token = "something else"
    with caplog.at_level(logging.DEBUG):
        start()
        wait_for(lambda: state_of(cluster).trouble is not None)
    assert caplog.text
    assert "a-token-of-the-tests" not in caplog.text


def test_threads_leave_no_connection_behind(start, cluster):
    worker = start()
    wait_for(lambda: live(cluster) == "live")
    worker.stop.set()
    wait_for(lambda: live(cluster) == "old")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname=current_database()")
            assert cursor.fetchone()[0] == 1
