"""The bars of durability: what was acknowledged is there, once, in order, and comes back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.bars import Bar, judged, not_run
from bench.bars_pytest import TITLES
from bench.exports import offline_bar
from bench.installation import POSTGRESQL, ROOT, SQLITE, Installation, engines, installation
from bench.own_postgres import own_postgres
from bench.signed_things import serials_bar, signed_bars

_REFUSING = """
from django.db import DatabaseError, connection
from aggportal.certs.models import Certificate
from aggportal.words import RefusedError
from bench.issuing import issue
REFUSE = "BEFORE INSERT ON ledger_entry {when} BEGIN SELECT RAISE(ABORT, 'full'); END"
TRIGGER = "CREATE TRIGGER sink " + REFUSE
DONE = "WHEN NEW.outcome = 'done'"
before, tried, released = Certificate.objects.count(), 0, 0
for when in ("", DONE):
    connection.cursor().execute(TRIGGER.format(when=when))
    for _ in range({count}):
        tried += 1
        try:
            issue()
            released += 1
        except (RefusedError, DatabaseError):
            pass
    connection.cursor().execute("DROP TRIGGER sink")
stored = Certificate.objects.count() - before
issue()
print(tried, released, stored)
"""


def bars(*, long: bool) -> Iterator[Bar]:
    """Yield the bars of durability, the quick ones first. The engines are measured side by side in
    the short form, which says nothing of speed.
    """
    yield serials_bar(100_000 if long else 20_000)
    yield offline_bar(1_000_000 if long else 20_000)
    if POSTGRESQL not in engines():
        yield not_run("B16", "on PostgreSQL", "DATABASE_URL names no PostgreSQL")
    tasks: list[Callable[[], Iterator[Bar]]] = [
        *(partial(_on, engine, long=long) for engine in engines()),
        _disk_full,
        _stopped,
    ]
    with ThreadPoolExecutor(1 if long else 2) as pool:
        for task in [pool.submit(_whole, task) for task in tasks]:
            yield from task.result()


def _whole(task: Callable[[], Iterator[Bar]]) -> list[Bar]:
    return list(task())


def _on(engine: str, *, long: bool) -> Iterator[Bar]:
    with installation(engine) as made:
        made.prepare()
        yield from _crowds(made, engine, long=long)
        if engine == SQLITE:
            yield _synced(made, 50 if long else 3)
            yield _sink(made, 50 if long else 3)
            yield from signed_bars(made, long=long)


def _crowds(made: Installation, engine: str, *, long: bool) -> Iterator[Bar]:
    race = ["race", "8", "200" if long else "5"]
    rest = ["against", "600" if long else "2", "kill", "500" if long else "15"]
    told = _told(made, "bench.crowds", *race, *rest)
    for id, name in (("B16", "race"), ("B17", "against"), ("B18", "kill")):
        found = told.get(name, {"errors": told.get("errors", ["nothing came"])})
        count = int(found.get("kills") or found.get("stored") or 0)
        kept = {key: value for key, value in found.items() if key not in ("errors", "kills")}
        said = ", ".join(f"{key} {value}" for key, value in kept.items())
        what = f"{TITLES[id]} ({engine})"
        yield judged(id, what, count=count, wrong=found["errors"], told=said)


def _told(made: Installation, *command: str) -> dict[str, Any]:
    """Run a module there and read the JSON that it prints."""
    process = made.module(*command)
    out, err = process.communicate()
    if process.returncode or not out:
        return {"errors": [err.strip()[-300:] or f"exit {process.returncode}"]}
    found: dict[str, Any] = json.loads(out)
    return found


def _synced(made: Installation, count: int) -> Bar:
    """Count the syncs between two acknowledgements, as the kernel saw them."""
    what = f"{TITLES['B19']} (SQLite)"
    if not shutil.which("strace"):
        return not_run("B19", what, "strace is not installed")
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        traced = "trace=fsync,fdatasync,write"
        command = ["strace", "-f", "-o", str(trace), "-e", traced, "-s", "64", sys.executable]
        command += ["-m", "bench.issuing", str(count)]
        done = subprocess.run(
            command, cwd=ROOT, env=dict(made.environment), capture_output=True, check=False
        )
        if done.returncode:
            return not_run("B19", what, f"strace failed: {done.stderr[-200:]!r}")
        syncs = _syncs(trace.read_text(errors="replace").splitlines())
    wrong = [f"acknowledgement {n + 1} after no sync" for n, each in enumerate(syncs) if not each]
    wrong += [] if len(syncs) == count else [f"{len(syncs)} acknowledgements seen"]
    return judged("B19", what, count=len(syncs), wrong=wrong, told=f"syncs before each: {syncs}")


def _syncs(lines: list[str]) -> list[int]:
    found, since = [], 0
    for line in lines:
        if re.search(r"\bf(?:data)?sync\(", line):
            since += 1
        elif re.search(r'write\(1, "[0-9a-f]{40}\\n"', line):
            found.append(since)
            since = 0
    return found


def _sink(made: Installation, count: int) -> Bar:
    """Let the ledger refuse each entry, then each end of a deed: nothing is released or stored."""
    tried, released, stored = map(
        int, made.python(_REFUSING.replace("{count}", str(count))).split()
    )
    wrong = [f"{released} released, {stored} stored"] if released or stored else []
    return judged("B20", TITLES["B20"], count=tried, wrong=wrong, told="issuances without a ledger")


def _disk_full() -> Iterator[Bar]:
    what = "disk full (SQLite, tmpfs of 32 MB)"
    with _small_disk() as folder:
        if folder is None:
            yield not_run("B23", what, "a tmpfs cannot be mounted here")
            return
        with installation(SQLITE, folder=folder / "data") as made:
            made.prepare()
            made.collect()
            told = _told(made, "bench.troubles", "disk", str(folder))
    said = ", ".join(f"{name} {value}" for name, value in told.items() if name != "errors")
    yield judged("B23", what, count=told.get("refused", 0), wrong=told["errors"], told=said)


@contextmanager
def _small_disk() -> Iterator[Path | None]:
    folder = Path(tempfile.mkdtemp(prefix="aggportal-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def _stopped() -> Iterator[Bar]:
    what = "PostgreSQL stopped hard and started"
    with own_postgres() as server:
        if server is None:
            yield not_run("B23", what, "no PostgreSQL is installed")
            return
        with server.installation() as made:
            made.prepare()
            made.collect()
            told = _told(made, "bench.troubles", "postgres", server.stop, server.start)
    said = ", ".join(f"{name} {value}" for name, value in told.items() if name != "errors")
    yield judged("B23", what, count=told.get("refused", 0), wrong=told["errors"], told=said)


if __name__ == "__main__":
    begun = time.monotonic()
    for bar in bars(long="--long" in sys.argv):
        print(bar, flush=True)
    print(f"{time.monotonic() - begun:.0f} s")
