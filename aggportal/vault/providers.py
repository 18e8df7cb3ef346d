"""Where the key-encryption key comes from: the environment, or a file that only the portal can
read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggportal.vault.errors import CannotOpen, NoKey
from aggportal.words import gettext_noop

_NONCE_BYTES = 12
KEK_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalKey:
    """A key-encryption key held in memory (`KeyProvider`)."""

    key: bytes = field(repr=False)

    @property
    def kek_id(self) -> str:
        """First 8 bytes of a SHA-256 over a prefix and the key: names it, does not help to guess
        it.
        """
        return hashlib.sha256(b"aggportal/v1|kek-id|" + self.key).hexdigest()[:16]

    def wrap(self, data_key: bytes, *, context: bytes) -> bytes:
        """Return nonce and ciphertext of the data key; the key's own id is bound in."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, data_key, self._bound(context))

    def unwrap(self, wrapped: bytes, *, context: bytes, kek_id: str) -> bytes:
        """Return the data key; CannotOpen where another key or another record made it."""
        if kek_id != self.kek_id:
            raise CannotOpen.other_key(wanted=kek_id, present=self.kek_id)
        try:
            return AESGCM(self.key).decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], self._bound(context)
            )
        except (InvalidTag, ValueError) as exc:
            raise CannotOpen.changed() from exc

    def _bound(self, context: bytes) -> bytes:
        return context + b"|" + self.kek_id.encode()


def key_from_text(text: str) -> LocalKey:
    """Read base64 of 32 bytes."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NoKey(
            gettext_noop(
                "The key-encryption key is not base64. Make one with `manage.py make_kek`."
            )
        ) from exc
    if len(key) != KEK_BYTES:
        raise NoKey(
            gettext_noop(
                "The key-encryption key has %(got)s bytes; it needs 32. Make one with "
                "`manage.py make_kek`."
            ),
            got=len(key),
        )
    return LocalKey(key=key)


def key_from_file(path: Path) -> LocalKey:
    """Read the key from a file; refuse one that others on the machine can read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except OSError as exc:
        raise NoKey(
            gettext_noop(
                "The key-encryption key is not at %(path)s (%(why)s). Signing and opening "
                "keys wait for it."
            ),
            path=path.name,
            why=exc.strerror or "unreadable",
        ) from exc
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NoKey(
            gettext_noop(
                "The key-encryption key file %(path)s can be read by others. Say: chmod 600 "
                "%(path)s"
            ),
            path=path.name,
        )
    return key_from_text(text)


def make_key_file(path: Path) -> bool:
    """Write a new random key with mode 0600; False where a file is there already (it is never
    overwritten).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(os.urandom(KEK_BYTES)).decode() + "\n")
    return True
