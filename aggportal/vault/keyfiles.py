"""Keys that live outside the database: 32 bytes in base64, in the environment or in a file that
only the portal can read.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from aggportal.vault.errors import NoKey
from aggportal.words import gettext_noop

KEY_BYTES = 32


def key_in_text(text: str, *, name: str) -> bytes:
    """Read base64 of 32 bytes; `name` is where the text was. Raises NoKey."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NoKey(
            gettext_noop("The key in %(name)s is not base64. Make one with `manage.py make_keys`."),
            name=name,
        ) from exc
    if len(key) != KEY_BYTES:
        raise NoKey(
            gettext_noop(
                "The key in %(name)s has %(got)s bytes; it needs 32. Make one with "
                "`manage.py make_keys`."
            ),
            name=name,
            got=len(key),
        )
    return key


def key_in_file(path: Path) -> bytes:
    """Read the key from a file; refuse one that others on the machine can read. Raises NoKey."""
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise NoKey(
            gettext_noop(
                "There is no key in the file %(name)s (%(why)s). Signing, opening keys and "
                "recording wait for it: bring it back, or make a new installation's with "
                "`manage.py make_keys`."
            ),
            name=path.name,
            why=getattr(exc, "strerror", None) or "unreadable",
        ) from exc
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NoKey(
            gettext_noop("The key file %(name)s can be read by others. Say: chmod 600 %(name)s"),
            name=path.name,
        )
    return key_in_text(text, name=path.name)


def new_key() -> bytes:
    """Return a new random key."""
    return secrets.token_bytes(KEY_BYTES)


def make_key_file(path: Path) -> bool:
    """Write a new random key with mode 0600; False where a file is there already (it is never
    overwritten).
    """
    return write_key_file(path, new_key())


def write_key_file(path: Path, key: bytes) -> bool:
    """Write `key` with mode 0600, whole and on the disk; False where a file is there already."""
    return write_private_text(path, base64.b64encode(key).decode() + "\n")


def write_private_text(path: Path, text: str) -> bool:
    """Write a file of mode 0600 that appears whole or not at all; False where one is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Bring to the disk which files a folder has, so that a loss of power does not undo it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_apart(path: Path, *, trees: Iterable[Path]) -> None:
    """Refuse a key that lies in a folder whose copies would carry it along. Raises NoKey."""
    place = path.resolve()
    for tree in trees:
        if place.is_relative_to(tree.resolve()):
            raise NoKey(
                gettext_noop(
                    "The key file %(name)s lies in the folder %(folder)s: whoever copies that "
                    "has the key beside what it opens. Move it to a folder of its own."
                ),
                name=path.name,
                folder=tree.name,
            )
