"""A PostgreSQL of its own that may be stopped hard, on a unix socket, durable as in production."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.installation import SQLITE, Installation, installation


@dataclass(frozen=True, kw_only=True)
class Server:
    """Shell commands that stop it at once and start it, and its address."""

    stop: str
    start: str
    url: str

    @contextmanager
    def installation(self) -> Iterator[Installation]:
        """An installation whose database is the server's own."""
        with installation(SQLITE) as made:
            environment = {**made.environment, "DATABASE_URL": self.url}
            yield Installation(folder=made.folder, environment=environment)


@contextmanager
def own_postgres() -> Iterator[Server | None]:
    """Start one; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        yield None
        return
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="aggportal-pg-"))
    as_server = "runuser -u postgres -- " if os.geteuid() == 0 else ""
    if as_server:
        shutil.chown(folder, "postgres")
    data, options = folder / "data", f"-c listen_addresses='' -c unix_socket_directories={folder}"
    control = f"cd /; {as_server}{programs}/pg_ctl --pgdata {data} --silent"
    start = f"{control} start --wait --log {folder}/log --options {shlex.quote(options)}"
    stop = f"{control} stop --mode immediate"
    init = f"cd /; {as_server}{programs}/initdb --pgdata {data} --username aggportal --auth trust"
    try:
        _shell(f"{init} --encoding UTF8 --locale C.UTF-8 --no-sync")
        _shell(start)
        url = f"postgres://aggportal@{str(folder).replace('/', '%2F')}/postgres"
        yield Server(stop=stop, start=start, url=url)
    finally:
        subprocess.run(stop, shell=True, capture_output=True, check=False)  # noqa: S602 -- own words
        shutil.rmtree(folder, ignore_errors=True)


def _shell(command: str) -> None:
    done = subprocess.run(  # noqa: S602 -- own words
        command,
        shell=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
