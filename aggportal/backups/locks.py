"""Who can open a backup: everybody who knows its passphrase, or has the key of a certificate.

Each way wraps the archive's own random key (32 bytes) and is a JSON object in the header.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aggportal.backups.errors import BackupError, BadArchive
from aggportal.words import gettext_noop as _n

KEY_BYTES = 32
_NONCE = bytes(12)  # each wrapping key wraps once
_SHORTEST = 12
# RFC 9106 section 4, the second recommended option: 64 MiB, three passes, four lanes.
_ARGON = {"memory": 65536, "passes": 3, "lanes": 4}
_MOST_MEMORY, _MOST_PASSES, _MOST_LANES = 1_048_576, 20, 16
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
Lock = dict[str, Any]


def passphrase_in(path: Path) -> bytes:
    """Read a passphrase from a file that nobody else can read. Raises BackupError."""
    try:
        mode, text = path.stat().st_mode, path.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise BackupError(
            _n("The passphrase file %(name)s cannot be read."), name=path.name
        ) from exc
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BackupError(
            _n("The passphrase file %(name)s can be read by others. Say: chmod 600 %(name)s"),
            name=path.name,
        )
    if len(text) < _SHORTEST:
        raise BackupError(
            _n("The passphrase is too short: a backup that is lost is guessed at. Take %(least)s."),
            least=f"{_SHORTEST} characters or more",
        )
    return text.encode()


def lock_by_passphrase(key: bytes, passphrase: bytes) -> Lock:
    """Wrap the archive's key under Argon2id of the passphrase."""
    salt = os.urandom(16)
    lock = {"kind": "passphrase", "kdf": "argon2id", "salt": _text(salt), **_ARGON}
    return {**lock, "wrapped": _wrap(_stretched(passphrase, lock), key)}


def lock_for(key: bytes, certificate: x509.Certificate) -> Lock:
    """Wrap the archive's key for whoever has the certificate's private key: RSA by OAEP (SHA-256),
    EC by ECDH with a key of its own, and HKDF.

    Raises BackupError for other keys.
    """
    public = certificate.public_key()
    lock = {"sha256": certificate.fingerprint(hashes.SHA256()).hex()}
    if isinstance(public, rsa.RSAPublicKey):
        return {**lock, "kind": "rsa-oaep", "wrapped": _text(public.encrypt(key, _OAEP))}
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise BackupError(_n("A recipient's certificate must have an RSA or EC key."))
    once = ec.generate_private_key(public.curve)
    point = once.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    shared = _agreed(once.exchange(ec.ECDH(), public), point)
    return {**lock, "kind": "ecdh", "public": _text(point), "wrapped": _wrap(shared, key)}


def unlock_by_passphrase(locks: Sequence[Lock], passphrase: bytes) -> bytes:
    """Return the archive's key. Raises BadArchive."""
    for lock in locks:
        if lock.get("kind") == "passphrase":
            return _unwrap(_stretched(passphrase, lock), lock["wrapped"])
    raise BadArchive(_n("This backup has no passphrase: it was made for the key of a certificate."))


def unlock_by_key(locks: Sequence[Lock], private: object) -> bytes:
    """Return the archive's key by the private key of one recipient. Raises BadArchive."""
    for lock in locks:
        try:
            if lock.get("kind") == "rsa-oaep" and isinstance(private, rsa.RSAPrivateKey):
                return private.decrypt(_bytes(lock["wrapped"]), _OAEP)
            if lock.get("kind") == "ecdh" and isinstance(private, ec.EllipticCurvePrivateKey):
                return _unwrap(_shared(private, lock), lock["wrapped"])
        except (ValueError, BadArchive):
            continue  # it may be another recipient's
    raise BadArchive(_n("This backup was not made for the key that was given."))


def _shared(private: ec.EllipticCurvePrivateKey, lock: Lock) -> bytes:
    point = _bytes(lock["public"])
    public = serialization.load_der_public_key(point)
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise BadArchive(_n("The backup's header cannot be read."))
    return _agreed(private.exchange(ec.ECDH(), public), point)


def _agreed(secret: bytes, point: bytes) -> bytes:
    info = b"aggportal/v1|backup-recipient"
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=point, info=info).derive(secret)


def _stretched(passphrase: bytes, lock: Lock) -> bytes:
    memory, passes, lanes = (int(lock[name]) for name in ("memory", "passes", "lanes"))
    if memory > _MOST_MEMORY or passes > _MOST_PASSES or lanes > _MOST_LANES:
        raise BadArchive(_n("The backup's header asks for more work than any backup needs."))
    kdf = Argon2id(
        salt=_bytes(lock["salt"]),
        length=KEY_BYTES,
        iterations=passes,
        lanes=lanes,
        memory_cost=memory,
    )
    return kdf.derive(passphrase)


def _wrap(wrapping: bytes, key: bytes) -> str:
    return _text(AESGCM(wrapping).encrypt(_NONCE, key, b"aggportal/v1|backup-key"))


def _unwrap(wrapping: bytes, wrapped: str) -> bytes:
    try:
        return AESGCM(wrapping).decrypt(_NONCE, _bytes(wrapped), b"aggportal/v1|backup-key")
    except InvalidTag as exc:
        raise BadArchive(
            _n("The backup does not open: the passphrase is another, or its header was changed.")
        ) from exc


def _text(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
