"""The ledger's key: outside the database, like the key-encryption key, but not that one, so that
neither opens what the other guards and each is changed by itself.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from aggportal.ledger.offline import key_hash
from aggportal.vault.keyfiles import key_in_file, key_in_text


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerKey:
    """What authenticates entries (HMAC-SHA256) and signs checkpoints (Ed25519)."""

    _mac: bytes = field(repr=False)
    _signer: Ed25519PrivateKey = field(repr=False)

    def mac_of(self, digest: str) -> str:
        """Return the MAC of an entry by its digest, which covers all before it; both in hex."""
        message = b"aggportal/v1|entry|" + bytes.fromhex(digest)
        return hmac.digest(self._mac, message, "sha256").hex()

    def mark_of(self, first: int) -> str:
        """Return the MAC that says that entries have one from number `first` on."""
        return hmac.digest(self._mac, b"aggportal/v1|keyed-from|%d" % first, "sha256").hex()

    @property
    def origin(self) -> str:
        """The name of this ledger in its checkpoints."""
        return f"aggportal/{self._public().hex()[:16]}"

    @property
    def verifier(self) -> str:
        """The key that checks signatures, as sumdb/note writes it: NAME+HASH+BASE64."""
        public = self._public()
        blob = base64.b64encode(b"\x01" + public).decode()
        return f"{self.origin}+{key_hash(self.origin, public).hex()}+{blob}"

    def sign(self, body: str) -> str:
        """Return the note: `body` (which ends with a newline), and our signature below it."""
        blob = key_hash(self.origin, self._public()) + self._signer.sign(body.encode())
        return f"{body}\n\u2014 {self.origin} {base64.b64encode(blob).decode()}\n"

    def _public(self) -> bytes:
        return self._signer.public_key().public_bytes_raw()


def ledger_key() -> LedgerKey:
    """Return the key of this installation. Raises NoKey: nothing can be recorded then."""
    return _key(settings.LEDGER_KEY, settings.LEDGER_KEY_FILE)


@lru_cache(maxsize=4)
def _key(text: str, path: Path) -> LedgerKey:
    master = key_in_text(text, name="AGGPORTAL_LEDGER_KEY") if text else key_in_file(path)
    return derive(master)


def derive(master: bytes) -> LedgerKey:
    """Make the two keys out of 32 random bytes (HKDF, RFC 5869)."""
    return LedgerKey(
        _mac=_expand(master, b"aggportal/v1|ledger-mac"),
        _signer=Ed25519PrivateKey.from_private_bytes(
            _expand(master, b"aggportal/v1|ledger-checkpoint")
        ),
    )


def _expand(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(master)
