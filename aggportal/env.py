"""What the environment says, read once and strictly: a wrong value stops the start with words."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

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
