"""One examination of a real cluster with 400 APIServices: seconds, requests in flight, and the
ratio to what a person does by hand: `kubectl get apiservices`, and curl of one discovery each.

Needs the programs of the real-cluster tests (KUBEBUILDER_ASSETS, `make control-plane`).
Run: python -m bench.bench_doctor [APIServices, default 400]
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from aggportal.doctor.examining import examine
from aggportal.doctor.looking import Background
from aggportal.doctor.probing import Probe
from aggportal.kube.apiservices import APISERVICES_PATH
from aggportal.kube.bodies import Answer
from aggportal.kube.client import ApiClient
from aggportal.kube.door import Request
from aggportal.kube.egress import EgressPolicy
from tests.e2e.backend import Backend
from tests.e2e.clinic import SANS, Authority, Clinic, apiservice, front_proxy_flags
from tests.e2e.control_plane import ControlPlane, missing_programs
from tests.kube.tls import Pair

# kube-apiserver 1.20 enters about one a second.
SETTLE_SECONDS = 900.0
BETWEEN = 40  # Services, each behind a tenth of the APIServices


@dataclass
class Counter:
    """How many exchanges are under way, at most and in all."""

    now: int = 0
    most: int = 0
    total: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def one(self) -> Iterator[None]:
        with self.lock:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self.lock:
                self.now -= 1


def count(client: ApiClient) -> Counter:
    """Count what goes through the client's door from now on."""
    counter, door = Counter(), client._door()
    send = door.send

    @contextmanager
    def counted(request: Request, *, seconds: float) -> Iterator[Answer]:
        with counter.one(), send(request, seconds=seconds) as answer:
            yield answer

    door.send = counted  # type: ignore[method-assign,assignment]
    return counter


def fill(clinic: Clinic, rows: int) -> None:
    """Put `rows` more APIServices before Services that all lead to the one backend."""
    spec = {"type": "ExternalName", "externalName": "localhost"}
    for number in range(BETWEEN):
        service = {"kind": "Service", "apiVersion": "v1", "spec": spec}
        metadata = {"name": f"api-{number}"}
        services = "/api/v1/namespaces/clinic/services"
        clinic.client.create(services, {**service, "metadata": metadata})
    for number in range(rows):
        name = f"v1.bench-{number}.example.com"
        port = clinic.backend.port
        reference = {"namespace": "clinic", "name": f"api-{number % BETWEEN}", "port": port}
        body = apiservice(name, clinic.serving.pem, clinic.backend.port, service=reference)
        clinic.client.create(APISERVICES_PATH, body)


def settle(clinic: Clinic, rows: int) -> None:
    """Wait until the aggregator passes requests on to all of them, which it enters one by one."""
    ends = time.monotonic() + SETTLE_SECONDS
    for number in range(rows):
        path = f"/apis/bench-{number}.example.com/v1"
        while clinic.client.get_raw(path).status != 200:
            if time.monotonic() > ends:
                print(f"from {number} on they are not passed on yet")
                return
            time.sleep(0.5)


def main(rows: int) -> None:
    """Print a line for each of three examinations, with and without handshakes."""
    if missing := missing_programs():
        raise SystemExit(f"missing: {', '.join(missing)}; run `make control-plane`")
    serving, front_proxy = (Authority(common_name=n) for n in ("serving-ca", "front-proxy-ca"))
    names = [SANS, *(f"api-{number}.clinic.svc" for number in range(BETWEEN))]
    backend = beside(serving.serving(*names, days=(-1, 300)))
    with tempfile.TemporaryDirectory() as folder:
        pair = front_proxy.client("front-proxy-client")
        flags = front_proxy_flags(Path(folder) / "flags", [front_proxy], pair)
        plane = ControlPlane(directory=Path(folder) / "plane", flags=flags)
        try:
            plane.start()
            clinic = Clinic(plane, backend, serving)  # type: ignore[arg-type] # its port is all
            clinic.register()
            fill(clinic, rows)
            settle(clinic, rows)
            by_hand = serially(plane, rows)
            print(f"by hand: {by_hand:.2f} s (a list, then {rows} curls one after the other)")
            for label, probe in (("plain", None), ("handshakes", Probe(egress=EgressPolicy()))):
                for _ in range(3):
                    print(f"{label}: {timed(plane, Background(probe=probe), by_hand=by_hand)}")
        finally:
            plane.stop()
            backend.process.kill()


@dataclass
class Beside:
    """The backend in a process of its own, so that it does not share ours' time."""

    port: int
    process: SpawnProcess


def beside(pair: Pair) -> Beside:
    """Start it and learn its port."""
    spawn = multiprocessing.get_context("spawn")
    mine, its = spawn.Pipe()
    process = spawn.Process(target=serve, args=[its, pair], daemon=True)
    process.start()
    return Beside(port=mine.recv(), process=process)


def serve(pipe: Connection, pair: Pair) -> None:
    """Be the backend until killed."""
    pipe.send(Backend(pair).port)
    threading.Event().wait()


def serially(plane: ControlPlane, rows: int) -> float:
    """Seconds for the list of APIServices and one curl for each, as a shell loop makes them."""
    with tempfile.TemporaryDirectory() as folder:
        pair = {"ca": plane.authority.pem, "crt": plane.admin.certificate_pem}
        for name, text in {**pair, "key": plane.admin.key_pem}.items():
            (Path(folder) / name).write_text(text)
        names = ("--cacert", "ca"), ("--cert", "crt"), ("--key", "key")
        command = ["curl", "--silent", "--fail", "--output", "/dev/null"]
        command += [word for flag, name in names for word in (flag, str(Path(folder) / name))]
        began = time.monotonic()
        subprocess.run([*command, f"{plane.url}{APISERVICES_PATH}"], check=True)
        for number in range(rows):
            path = f"/apis/bench-{number}.example.com/v1"
            subprocess.run([*command, f"{plane.url}{path}"], check=False)
        return time.monotonic() - began


def timed(plane: ControlPlane, background: Background, *, by_hand: float) -> str:
    """Examine once and say what it took."""
    client = plane.client()
    counter, began = count(client), time.monotonic()
    report = examine(client, now=dt.datetime.now(dt.UTC), background=background)
    seconds = time.monotonic() - began
    return (
        f"{seconds:.2f} s ({seconds / by_hand:.2f} of by hand), {counter.total} requests, "
        f"at most {counter.most} in flight, "
        f"{len(report.results)} results, {len(report.findings)} findings"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
