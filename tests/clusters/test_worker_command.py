"""`manage.py worker` as a process: it follows, stops at once, refuses to start wrongly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection as database
from django.utils import timezone

from aggportal.clusters.liveness import liveness_of
from aggportal.clusters.models import ClusterState
from aggportal.clusters.services.leadership import present_lease
from tests.clusters.fake_cluster import raw_apiservice

ROOT = Path(__file__).resolve().parents[2]
METRICS = "v1beta1.metrics.k8s.io"


@pytest.fixture
def spawn(transactional_db, tmp_path):
    """Start a worker on the test's database; its output is kept in `log`."""
    started = []

    def begin(**extra):
        settings = tmp_path / "worker_settings.py"
        name = str(database.settings_dict["NAME"])
        settings.write_text(
            f"from tests.settings import *\nDATABASES['default']['NAME'] = {name!r}\n"
        )
        path = os.pathsep.join([str(ROOT), str(tmp_path)])
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "worker_settings", "PYTHONPATH": path}
        log = (tmp_path / "log").open("wb")
        command = [sys.executable, str(ROOT / "manage.py"), "worker"]
        process = subprocess.Popen(command, env=environment | extra, stdout=log, stderr=log)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def kind_of(cluster):
    state = ClusterState.objects.get(cluster=cluster)
    return liveness_of(state, present_lease(), now=timezone.now()).kind


def wait_for(wanted, seconds):
    begun = time.monotonic()
    while not wanted():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_stop_stops_and_says_no_secret(
    spawn, fake_cluster, cluster, number, tmp_path
):
    fake_cluster.put(raw_apiservice(METRICS))
    process = spawn()
    wait_for(lambda: kind_of(cluster) == "live", 40)
    process.send_signal(number)
    assert process.wait(45) == 0
    said = (tmp_path / "log").read_text()
    assert "cluster lab: following" in said
    assert "a-token-of-the-tests" not in said
    assert "Traceback" not in said


def test_a_worker_that_is_killed_is_followed_by_another_within_its_lease(spawn, cluster):
    first = spawn()
    wait_for(lambda: kind_of(cluster) == "live", 40)
    second = spawn()
    first.kill()
    first.wait()
    wait_for(lambda: kind_of(cluster) == "old", 60)
    wait_for(lambda: kind_of(cluster) == "live", 40)
    assert second.poll() is None


def test_a_worker_does_not_start_with_a_network_that_is_none(spawn, tmp_path):
    process = spawn(AGGPORTAL_EGRESS_DENY="10.0.0.0/33")
    assert process.wait(15) != 0
    assert "10.0.0.0/33" in (tmp_path / "log").read_text()
