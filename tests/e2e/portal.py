"""The portal as a person runs it: prepared by deploy/prepare, web and worker by deploy/Procfile."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.control_plane import free_port
from tests.e2e.visitor import Visitor, sign_in

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
PASSWORD = "nine bright lanterns"


@dataclass(kw_only=True)
class Portal:
    """Its data is a folder of its own; the environment of the test run does not reach it,
    `environment` does."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None
    one_time: str = ""
    port: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "portal.log"

    def start(self) -> None:
        """Prepare it and start web and worker; return when it answers."""
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        prepared = self._run([str(ROOT / "deploy/prepare")])
        self.one_time = re.findall(r"One-time password: +(\S+)", prepared)[0]
        self.serve()

    def serve(self) -> None:
        """Start web and worker over the data that is there."""
        command = [sys.executable, "-m", "honcho", "start", "--app-root", str(ROOT)]
        command += ["--procfile", str(ROOT / "deploy/Procfile"), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Press Ctrl-C: the terminal interrupts the whole foreground group."""
        if self.process is None:
            return
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """End all of it at once, as a power cut would."""
        assert self.process is not None
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def first_administrator(self) -> Visitor:
        return sign_in(self.address, name="admin", one_time=self.one_time, password=PASSWORD)

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` beside the running portal; return what it prints."""
        return self._run([sys.executable, str(ROOT / "manage.py"), *arguments])

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def _processes(self) -> Iterator[int]:
        """Every process whose environment names this data folder: each has a session of its own."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended while we looked
                if f"AGGPORTAL_DATA={self.data}\0".encode() in (folder / "environ").read_bytes():
                    yield int(folder.name)

    def _wait_until_ready(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while True:
            assert self.process is not None
            assert self.process.poll() is None, self.tail()
            try:
                urllib.request.urlopen(f"{self.address}/readyz", timeout=5).close()  # noqa: S310 -- own server
                return
            except OSError:
                assert time.monotonic() < ends, self.tail()
                time.sleep(0.1)

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AGGPORTAL_", "DJANGO_", "DATABASE_URL", "PYTEST_"))
        }
        return kept | {
            "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '')}",
            "AGGPORTAL_DATA": str(self.data),
            "AGGPORTAL_HTTPS": "false",
            # A suite takes longer than a sign-in counts and an idle session lasts.
            "AGGPORTAL_CONFIRM_SECONDS": "86400",
            "AGGPORTAL_SESSION_IDLE_MINUTES": "1440",
            "AGGPORTAL_COSTLY_PER_MINUTE": "0",
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }
