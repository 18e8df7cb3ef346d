"""Seals the secrets of second factors under a key that is made from the secret key of sessions.

That key lies in a file outside the database. They are not under the key-encryption key, since an
administrator signs in, with a second factor, to unseal that one.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_MARK = "v1."
_INFO = b"aggportal second factors v1"
_NONCE = 12


class Unreadable(ValueError):
    """The secret was sealed under another secret key, or changed."""


def seal(text: str) -> str:
    """Return `text` sealed (AES-256-GCM), as text."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, text.encode(), _INFO)
    return _MARK + base64.b64encode(nonce + sealed).decode()


def unseal(text: str) -> str:
    """Return what was sealed, also under an earlier key of SECRET_KEY_FALLBACKS. Unreadable."""
    if not text.startswith(_MARK):
        raise Unreadable
    raw = base64.b64decode(text.removeprefix(_MARK))
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return AESGCM(_key(secret)).decrypt(raw[:_NONCE], raw[_NONCE:], _INFO).decode()
        except InvalidTag:
            continue
    raise Unreadable


def _key(secret: str | bytes) -> bytes:
    secret = secret if isinstance(secret, bytes) else secret.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(secret)
