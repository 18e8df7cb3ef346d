"""Where the key-encryption key comes from: the environment, or a file that only the portal can
read.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggportal.vault.errors import CannotOpen
from aggportal.vault.keyfiles import key_in_file, key_in_text

_NONCE_BYTES = 12


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
    """Read base64 of 32 bytes, as AGGPORTAL_KEK has it. Raises NoKey."""
    return LocalKey(key=key_in_text(text, name="AGGPORTAL_KEK"))


def key_from_file(path: Path) -> LocalKey:
    """Read the key from a file; refuse one that others on the machine can read. Raises NoKey."""
    return LocalKey(key=key_in_file(path))
