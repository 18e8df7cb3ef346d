"""A portal's data of its own, in a throw-away folder: SQLite, or a database of its own in the
PostgreSQL that DATABASE_URL names. `manage.py` and Python run in it as processes.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
AUTHORITY = "bars-ca"
# Makes the authority that issues, and says so in the ledger.
_PREPARE = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.utils import timezone
from aggportal.certs.models import Lane, Mode
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.pki.config import dump_profile
from aggportal.pki.jsontext import dump_json
from aggportal.pki.presets import PRESETS
from aggportal.pki.requests import load_request_spec
from aggportal.web.actors import Actor
spec = load_request_spec({{"CN": "{AUTHORITY}", "key": {{"algo": "ecdsa", "size": 256}},
    "ca": {{"expiry": "87600h"}}}})
profiles = {{"extension-serving": dump_profile(PRESETS["extension-serving"])}}
config = dump_json({{"signing": {{"default": {{"expiry": "8760h"}}, "profiles": profiles}}}})
create_authority(spec, AuthorityChoices(label="{AUTHORITY}", slug="{AUTHORITY}",
    lane=Lane.GENERAL, mode=Mode.STRICT, file_base="{AUTHORITY}", signing_config=config),
    by=Actor(id=None, name="bars"), now=timezone.now())
"""


def engines() -> tuple[str, ...]:
    """The engines at hand: PostgreSQL where DATABASE_URL names a server."""
    return (SQLITE, POSTGRESQL) if _server() else (SQLITE,)


def _server() -> str:
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith("postgres") else ""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Data folder, database and keys; `environment` holds them for processes."""

    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def manage(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run manage.py; the caller looks at the exit status."""
        return self._run([str(ROOT / "manage.py"), *arguments], typed=typed)

    def python(self, code: str) -> str:
        """Run Python inside the portal's Django; return what it prints. Raises RuntimeError."""
        done = self._run(["-c", f"import django; django.setup()\n{code}"])
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def module(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a module of ours as a process whose output is read."""
        return subprocess.Popen(
            [sys.executable, "-m", name, *arguments],
            cwd=ROOT,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def collect(self) -> None:
        """Make the files that pages name; only whoever asks for pages needs them."""
        if self.manage("collectstatic", "--verbosity", "0", "--no-input").returncode:
            raise RuntimeError("collectstatic failed")

    def prepare(self) -> None:
        """Make tables and the authority that issues. Raises RuntimeError."""
        self.python(_PREPARE)

    def _run(self, arguments: list[str], *, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=dict(self.environment),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def installation(
    engine: str = SQLITE, *, keys_of: Installation | None = None, folder: Path | None = None
) -> Iterator[Installation]:
    """Make an empty one, with the keys of another if given; all of it goes at the end."""
    data = folder or Path(tempfile.mkdtemp(prefix="aggportal-bars-"))
    static = Path(tempfile.mkdtemp(prefix="aggportal-static-"))
    keys = keys_of.environment if keys_of else {}
    environment = {name: value for name, value in os.environ.items() if "AGGPORTAL" not in name}
    environment |= {
        "AGGPORTAL_DATA": str(data),
        "AGGPORTAL_STATIC": str(static),
        "AGGPORTAL_HTTPS": "false",
        "AGGPORTAL_KEK": keys.get("AGGPORTAL_KEK") or _key(),
        "AGGPORTAL_LEDGER_KEY": keys.get("AGGPORTAL_LEDGER_KEY") or _key(),
        "AGGPORTAL_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "aggportal.settings",
    }
    environment.pop("DATABASE_URL", None)
    name = f"bars_{secrets.token_hex(6)}"
    try:
        if engine == POSTGRESQL:
            _administer(f"CREATE DATABASE {name}")
            environment["DATABASE_URL"] = urlunsplit(urlsplit(_server())._replace(path=f"/{name}"))
        yield Installation(folder=data, environment=environment)
    finally:
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(static, ignore_errors=True)
        if engine == POSTGRESQL:
            _administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _administer(statement: str) -> None:
    with psycopg.connect(_server(), autocommit=True) as server:
        server.execute(statement.encode())


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()
