"""Sealed private keys of certificates: in the clear only here, and only in memory. Authorities' own
are opened by `signers` alone.
"""

from __future__ import annotations

from aggportal.certs.models import SealedKey
from aggportal.pki.keys import PrivateKey, load_private_key, private_key_der, spki_sha256
from aggportal.vault.errors import CannotOpen


def seal_key(key: PrivateKey, *, purpose: str) -> SealedKey:
    """Return an unsaved row with `key` sealed, bound to its public key."""
    row = SealedKey(purpose=purpose, binding=spki_sha256(key.public_key()))
    row.seal(private_key_der(key))
    return row


def open_key(row: SealedKey, *, spki: str) -> PrivateKey:
    """Return the private key of `row`; refuse one that is not the key of the certificate with
    `spki`.
    """
    key = load_private_key(row.open())
    if spki_sha256(key.public_key()) != spki:
        raise CannotOpen.changed()
    return key
