"""Twenty clusters on one worker: how soon a change is in the database, memory, and the overview.

The clusters are scripted ones behind real TLS, each with 60 APIServices; the worker is the real
command in a process of its own.

Run: python -m bench.bench_fleet [clusters, default 20]
"""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.bench_pages import get
from bench.harness import ROOT, Portal, load, portal
from tests.clusters.fake_cluster import FakeCluster, raw_apiservice
from tests.kube.servers import ScriptedServer
from tests.kube.tls import TestAuthority

APISERVICES = 60
CHANGES = 60
CONNECT = """
import json, sys
from django.utils import timezone
from aggportal.clusters.services.clusters import connect_cluster
from aggportal.kube.connections import from_token
from aggportal.web.actors import Actor
for name, url, ca in json.loads({made!r}):
    connect_cluster(name, from_token(url, ca, "bench"), by=Actor(id=None, name="bench"),
                    now=timezone.now())
"""


def name_of(number: int) -> str:
    """The name of one of the APIServices."""
    return f"v1.g{number}.example.com"


@contextmanager
def worker(made: Portal) -> Iterator[int]:
    """Run the real worker until the block ends; its process id."""
    command = [sys.executable, "manage.py", "worker"]
    silent = subprocess.DEVNULL
    running = subprocess.Popen(command, cwd=ROOT, env=made.env, stdout=silent, stderr=silent)
    try:
        yield running.pid
    finally:
        running.terminate()
        try:
            running.wait(timeout=15)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def fake(authority: TestAuthority) -> tuple[FakeCluster, ScriptedServer]:
    """A cluster with APIServices, served."""
    cluster = FakeCluster()
    for number in range(APISERVICES):
        cluster.put(raw_apiservice(name_of(number)))
    return cluster, ScriptedServer(script=cluster, pair=authority.serving("127.0.0.1"))


def wait(database: Path, query: str, expected: object) -> float:
    """Ask the database until it answers as expected; return the seconds that this took."""
    start = time.perf_counter()
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as found:
        while time.perf_counter() - start < 60:
            if found.execute(query).fetchone()[0] == expected:
                return time.perf_counter() - start
            time.sleep(0.005)
    raise RuntimeError(f"this did not come true within a minute: {query}")


def memory_of(pid: int) -> dict[str, float]:
    """Resident memory now and at its highest (MB), threads; of Linux."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = dict(re.findall(r"(VmRSS|VmHWM|Threads):\s+(\d+)", status))
    return {
        "now": int(found["VmRSS"]) / 1024,
        "most": int(found["VmHWM"]) / 1024,
        "threads": int(found["Threads"]),
    }


def cpu_of(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main(count: int) -> None:
    """Print the figures."""
    authority = TestAuthority()
    with ExitStack() as stack:
        fakes = [fake(authority) for _ in range(count)]
        for cluster, server in fakes:
            stack.callback(server.stop)
            stack.callback(cluster.end_watches)

        def prepare(made: Portal) -> None:
            rows = [[f"c{n}", server.url, authority.pem] for n, (_, server) in enumerate(fakes)]
            made.manage(CONNECT.format(made=json.dumps(rows)))

        made = stack.enter_context(portal(prepare))
        pid = stack.enter_context(worker(made))
        measure(made, pid, [cluster for cluster, _ in fakes])


def measure(made: Portal, pid: int, fakes: list[FakeCluster]) -> None:
    """Print how long the clusters take to be there, how late changes are, and what it costs."""
    database = Path(made.env["AGGPORTAL_DATA"]) / "database" / "aggportal.sqlite3"
    connected = "SELECT count(*) FROM clusters_clusterstate WHERE connected AND total > 0"
    print(f"{len(fakes)} clusters with {APISERVICES} APIServices each, one worker")
    print(f"all of them known after {wait(database, connected, len(fakes)):.1f} s")
    late: list[float] = []
    for number in range(CHANGES):
        place = number % len(fakes)
        name = name_of(number // len(fakes))
        fakes[place].put(raw_apiservice(name, status="False", reason="MissingEndpoints"))
        query = (  # the names are our own
            "SELECT count(*) FROM clusters_watchedapiservice a JOIN clusters_cluster c "  # noqa: S608
            f"ON c.id = a.cluster_id WHERE c.slug = 'c{place}' AND a.name = '{name}' "
            "AND a.available = 'False'"
        )
        late.append(wait(database, query, 1) * 1000)
    cuts = statistics.quantiles(late, n=20, method="inclusive")
    print(f"a change is in the database after {cuts[9]:.0f} ms (p50), {cuts[18]:.0f} ms (p95)")
    before, began = cpu_of(pid), time.perf_counter()
    time.sleep(10)
    share = 100 * (cpu_of(pid) - before) / (time.perf_counter() - began)
    memory = memory_of(pid)
    print(
        f"worker: {memory['now']:.0f} MB, at most {memory['most']:.0f} MB, "
        f"{memory['threads']:.0f} threads, {share:.0f} % of a processor (watches and the doctor)"
    )
    print(load("the overview (/clusters/)", [get(made.port, "/clusters/")], count=40))
    print(load("the calendar (/calendar/)", [get(made.port, "/calendar/")], count=40))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
