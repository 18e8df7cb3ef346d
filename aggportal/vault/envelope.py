"""Envelope encryption: a data key per record, wrapped by a key-encryption key that lives outside
the database.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; a data key encrypts once, so nonces never
repeat under it. The associated data binds a ciphertext to its record: moved to another row it does
not open.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggportal.vault.errors import CannotOpen

ALGORITHM = "AES-256-GCM"
_NONCE_BYTES = 12


class KeyProvider(Protocol):
    """Whoever holds the key-encryption key: wraps and unwraps data keys, never shows itself."""

    @property
    def kek_id(self) -> str:
        """Name of the key in use, safe to store and show."""

    def wrap(self, data_key: bytes, *, context: bytes) -> bytes:
        """Encrypt a data key."""

    def unwrap(self, wrapped: bytes, *, context: bytes, kek_id: str) -> bytes:
        """Decrypt a data key that was wrapped under `kek_id`; CannotOpen where that fails."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """What the database keeps of a secret: nothing of it opens without the key-encryption key."""

    algorithm: str
    kek_id: str
    wrapped_key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def seal(secret: bytes, *, context: str, provider: KeyProvider) -> Sealed:
    """Encrypt `secret` for the record that `context` names."""
    bound = context.encode()
    data_key, nonce = AESGCM.generate_key(bit_length=256), os.urandom(_NONCE_BYTES)
    return Sealed(
        algorithm=ALGORITHM,
        kek_id=provider.kek_id,
        wrapped_key=provider.wrap(data_key, context=bound),
        nonce=nonce,
        ciphertext=AESGCM(data_key).encrypt(nonce, secret, bound),
    )


def unseal(sealed: Sealed, *, context: str, provider: KeyProvider) -> bytes:
    """Decrypt what `seal` made for the same `context`.

    Raises CannotOpen: wrong key, moved or changed record.
    """
    bound = context.encode()
    data_key = provider.unwrap(sealed.wrapped_key, context=bound, kek_id=sealed.kek_id)
    try:
        return AESGCM(data_key).decrypt(sealed.nonce, sealed.ciphertext, bound)
    except InvalidTag as exc:
        raise CannotOpen.changed() from exc
