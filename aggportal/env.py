"""What the environment says, read once and strictly: a wrong value stops the start with words."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from environs import FileAwareEnv

# FileAwareEnv reads a secret NAME from the file that NAME_FILE names, the habit of containers.
env = FileAwareEnv()


def read_or_make_secret(path: Path) -> str:
    """Return the secret in `path`; make one (mode 0600) where there is none yet.

    Only for secrets whose loss costs nothing but sessions. The key-encryption key is never made
    silently.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = secrets.token_urlsafe(50)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was first
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
    return secret


def default_runtime_dir(data: Path) -> Path:
    """Return a folder in memory that is this person's and this installation's; where the system
    has none, one in the data folder.
    """
    own = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of mode 0700 is made in it and its owner checked
    return memory / f"aggportal-{os.geteuid()}-{own}" if memory.is_dir() else data / "run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """How mail leaves, in the words of Django's EMAIL_* settings."""

    configured: bool = True
    backend: str = "aggportal.notices.mailing.CheckedBackend"
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    tls: bool = False


_MAIL_PORTS = {"smtp": 25, "submission": 587, "smtps": 465}


def email_settings(url: str) -> Email:
    """Read `smtp://`, `submission://` (STARTTLS), `smtps://` (TLS from the start) or `console:`.

    User and password are percent-encoded. ValueError says what is wrong, without the password.
    """
    if not url:
        return Email(configured=False, backend="django.core.mail.backends.dummy.EmailBackend")
    parts = urlsplit(url)
    if parts.scheme == "console":
        return Email(backend="django.core.mail.backends.console.EmailBackend")
    if parts.scheme not in _MAIL_PORTS or not parts.hostname or parts.path.strip("/"):
        raise ValueError(
            "AGGPORTAL_EMAIL_URL: smtp://, submission:// or smtps:// with a host, or console:"
        )
    return Email(
        host=parts.hostname,
        port=parts.port or _MAIL_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "submission",
        tls=parts.scheme == "smtps",
    )
