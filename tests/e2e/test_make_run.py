"""`make run` as a person starts it: twice, and stopped like a person stops it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.e2e


@dataclass(frozen=True, kw_only=True, slots=True)
class Portal:
    """A running `make run`."""

    make: subprocess.Popen[bytes]
    address: str
    data: Path
    log: Path

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for the portal to say that it is ready."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            assert self.make.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.address}/readyz", timeout=2) as answer:  # noqa: S310 -- own server
                    assert answer.status == 200
                return
            except OSError:  # not listening yet, or too busy to answer
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def processes(self) -> dict[int, str]:
        """Every process whose environment names this data folder: id → command."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"AGGPORTAL_DATA={self.data}\0".encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (
                        (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    )
            except OSError:  # it ended while we looked
                continue
        return {pid: command for pid, command in found.items() if command}

    def wait_until_gone(self, seconds: float = 20) -> None:
        ends = time.monotonic() + seconds
        while self.processes():
            assert time.monotonic() < ends, self.processes()
            time.sleep(0.1)
        self.make.wait(timeout=seconds)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Portal]]:
    started: list[Portal] = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AGGPORTAL_", "DJANGO_", "DATABASE_URL", "MAKE"))
    }

    def make_run() -> Portal:
        log = tmp_path / f"log-{len(started)}"
        with log.open("wb") as output:
            make = subprocess.Popen(
                ["make", "run", f"PORT={port}", f"DATA={tmp_path / 'data'}"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        address = f"http://127.0.0.1:{port}"
        started.append(Portal(make=make, address=address, data=tmp_path / "data", log=log))
        return started[-1]

    yield make_run
    for portal in started:
        for pid in portal.processes():
            os.kill(pid, signal.SIGKILL)
        portal.make.wait(timeout=20)


def stop(portal: Portal) -> None:
    """Press Ctrl-C: the terminal interrupts the whole foreground group."""
    os.killpg(portal.make.pid, signal.SIGINT)
    portal.wait_until_gone()


def test_the_second_run_makes_nothing_anew_and_keeps_everything(start):
    first = start()
    first.wait_until_ready(100)
    said = first.log.read_text()
    assert "One-time password" in said
    assert "Made the key-encryption key" in said
    stop(first)
    kept = {path: path.read_bytes() for path in (first.data / "keys").iterdir()}

    second = start()
    second.wait_until_ready(100)
    said = second.log.read_text()
    assert "One-time password" not in said
    assert "Made the key-encryption key" not in said
    assert {path: path.read_bytes() for path in (first.data / "keys").iterdir()} == kept
    stop(second)


def test_keys_and_database_are_the_owners_alone(start):
    portal = start()
    portal.wait_until_ready(100)
    files = [*(portal.data / "keys").iterdir(), *(portal.data / "database").iterdir()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} == {0}
    stop(portal)


@pytest.mark.parametrize("process", ["gunicorn", "manage.py worker"])
def test_web_and_worker_stop_together(start, process):
    portal = start()
    portal.wait_until_ready(100)
    running = portal.processes()
    assert {word for word in ["gunicorn", "worker"] if word in " ".join(running.values())} == {
        "gunicorn",
        "worker",
    }
    oldest = min(pid for pid, command in running.items() if process in command)
    os.kill(oldest, signal.SIGTERM)
    portal.wait_until_gone()
