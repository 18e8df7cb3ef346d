"""What the benchmarks share: a portal of their own in a throw-away folder, a bounded load, and a
table of figures.
"""

from __future__ import annotations

import base64
import http.client
import os
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = secrets.token_urlsafe(16)


def free_port() -> int:
    """Return a TCP port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], *, port: int, env: dict[str, str] | None = None) -> Iterator[None]:
    """Run a server until the block ends; it is ready when its port answers."""
    server = subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, server)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server does not answer")


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A running portal: its port and the environment that manages it."""

    port: int
    env: dict[str, str]

    def manage(self, script: str) -> None:
        """Run Python inside the portal's Django, for filling it."""
        bench_path = os.pathsep.join([str(ROOT), self.env.get("PYTHONPATH", "")])
        code = f"import django; django.setup()\n{script}"
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            cwd=ROOT,
            env={
                **self.env,
                "PYTHONPATH": bench_path,
                "DJANGO_SETTINGS_MODULE": "aggportal.settings",
            },
        )


@contextmanager
def portal(prepare: Callable[[Portal], None]) -> Iterator[Portal]:
    """Start a portal in a folder of its own with an administrator `bench`; `prepare` fills its
    database first.
    """
    folder = tempfile.mkdtemp(prefix="aggportal-bench-")
    env = {
        **os.environ,
        "AGGPORTAL_DATA": folder,
        "AGGPORTAL_HTTPS": "false",
        "AGGPORTAL_COSTLY_PER_MINUTE": "0",
        "AGGPORTAL_KEK": base64.b64encode(os.urandom(32)).decode(),
        "AGGPORTAL_LEDGER_KEY": base64.b64encode(os.urandom(32)).decode(),
        "DJANGO_SETTINGS_MODULE": "aggportal.settings",
        "AGGPORTAL_LOG_LEVEL": "WARNING",
    }
    made = Portal(port=free_port(), env=env)
    try:
        for command in (
            ["migrate", "--verbosity", "0"],
            ["collectstatic", "--verbosity", "0", "--no-input"],
        ):
            subprocess.run([sys.executable, "manage.py", *command], check=True, cwd=ROOT, env=env)
        made.manage(
            "from aggportal.accounts.models import User\n"
            "from aggportal.accounts.roles import Role, give_role\n"
            f"give_role(User.objects.create_user('bench', password={PASSWORD!r}), "
            f"Role.ADMINISTRATOR)"
        )
        prepare(made)
        command = [
            str(Path(sys.executable).parent / "gunicorn"),
            "--config",
            "deploy/gunicorn.conf.py",
        ]
        command += ["--bind", f"127.0.0.1:{made.port}", "aggportal.wsgi"]
        with process(command, port=made.port, env=env):
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Browser:
    """A signed-in person's connection: keep-alive, cookies, and the token that forms carry."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        token = self.token_in(self.ask("GET", "/login/")[1])
        typed = {"username": "bench", "password": PASSWORD, "csrfmiddlewaretoken": token}
        if self.ask("POST", "/login/", typed)[0] != 302:
            raise RuntimeError("signing in failed")

    @staticmethod
    def token_in(page: bytes) -> str:
        """Return the cross-site token of a page's first form."""
        found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if not found:
            raise RuntimeError("the page has no form")
        return found[1].decode()

    def ask(self, method: str, path: str, typed: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Send one request and return status and body."""
        body = urllib.parse.urlencode(typed) if typed is not None else None
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer.status, content


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One measured row: how many per second, and how long each took (milliseconds)."""

    label: str
    per_second: float
    p50: float
    p95: float
    p99: float

    def __str__(self) -> str:
        return (
            f"{self.label:<58} {self.per_second:8.1f}/s   p50 {self.p50:7.1f} ms   "
            f"p95 {self.p95:7.1f} ms   p99 {self.p99:7.1f} ms"
        )


def load(label: str, workers: list[Callable[[], None]], *, count: int) -> Figures:
    """Let each worker repeat its request in a thread of its own, `count` times in all, measured."""
    share = max(count // len(workers), 1)
    spans: list[float] = []
    failures: list[BaseException] = []

    def run(request: Callable[[], None]) -> None:
        try:
            for _ in range(share):
                start = time.perf_counter()
                request()
                spans.append((time.perf_counter() - start) * 1000)
        except (OSError, RuntimeError, http.client.HTTPException) as exc:
            failures.append(exc)

    for request in workers:  # one round to warm up
        request()
    threads = [threading.Thread(target=run, args=(request,)) for request in workers]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    took = time.perf_counter() - begin
    cuts = statistics.quantiles(spans, n=100, method="inclusive")
    return Figures(
        label=label, per_second=len(spans) / took, p50=cuts[49], p95=cuts[94], p99=cuts[98]
    )
