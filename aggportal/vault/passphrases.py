"""A key-encryption key under a passphrase: what lies on the disk opens nothing by itself.

Argon2id (RFC 9106) turns the passphrase into a key that encrypts the key-encryption key by
AES-256-GCM. Salt and costs stand beside it and are bound in: a changed file does not open.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from aggportal.vault.errors import NoKey, VaultError
from aggportal.vault.keyfiles import KEY_BYTES
from aggportal.words import gettext_noop

LEAST_LENGTH = 12
_FORM = "aggportal/v1|kek-under-passphrase"
_SALT_BYTES, _NONCE_BYTES, _MAX_BYTES = 16, 12, 4096
# What a file may ask of this machine: somebody else may have written it.
_MOST_MEMORY_KIB, _MOST_ITERATIONS, _MOST_LANES = 4 * 1024 * 1024, 64, 64


class WrongPassphrase(VaultError):
    """The passphrase opens nothing."""

    code = "wrong_passphrase"
    status = 422

    @classmethod
    def said(cls) -> WrongPassphrase:
        """Say so, without a word about what was typed."""
        return cls(
            gettext_noop("This passphrase does not open the key. Nothing was unsealed."),
            field="passphrase",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What one guess costs: memory in KiB, passes over it, lanes."""

    memory_kib: int = 256 * 1024
    iterations: int = 3
    lanes: int = 1


def require_passphrase(passphrase: str) -> None:
    """Refuse one that is too short to stand for a key."""
    if len(passphrase) < LEAST_LENGTH:
        raise WrongPassphrase(
            gettext_noop(
                "A passphrase needs at least %(least)d characters: six random words are easy to "
                "keep and hard to guess."
            ),
            field="passphrase",
            least=LEAST_LENGTH,
        )


def seal_under(passphrase: str, kek: bytes, *, costs: Costs) -> str:
    """Return the text of the file that keeps `kek` under `passphrase`."""
    require_passphrase(passphrase)
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    head = {
        "form": _FORM,
        "memory_kib": costs.memory_kib,
        "iterations": costs.iterations,
        "lanes": costs.lanes,
        "salt": b64encode(salt).decode(),
    }
    key = _derived(passphrase, salt, costs)
    sealed = AESGCM(key).encrypt(nonce, kek, _bound(head))
    return json.dumps({**head, "sealed": b64encode(nonce + sealed).decode()}, indent=2) + "\n"


def open_under(passphrase: str, text: str) -> bytes:
    """Return the key-encryption key. Raises WrongPassphrase, and NoKey for a damaged file."""
    head, sealed = _read(text)
    costs = Costs(
        memory_kib=_within(head, "memory_kib", 8, _MOST_MEMORY_KIB),
        iterations=_within(head, "iterations", 1, _MOST_ITERATIONS),
        lanes=_within(head, "lanes", 1, _MOST_LANES),
    )
    key = _derived(passphrase, b64decode(str(head["salt"])), costs)
    try:
        kek = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(head))
    except InvalidTag as exc:
        raise WrongPassphrase.said() from exc
    if len(kek) != KEY_BYTES:
        raise _damaged()
    return kek


def text_of(path: Path) -> str:
    """Read such a file. Raises NoKey where it is not there or no text of a few lines."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError) as exc:
        raise NoKey(
            gettext_noop(
                "There is no key under a passphrase in the file %(name)s. Bring it back from its "
                "backup, or make a new installation's with `manage.py make_keys`."
            ),
            name=path.name,
        ) from exc


def _read(text: str) -> tuple[dict[str, object], bytes]:
    try:
        head = json.loads(text)
        sealed = b64decode(head.pop("sealed"), validate=True)
        salt = b64decode(head["salt"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise _damaged() from exc
    if head.get("form") != _FORM or len(salt) != _SALT_BYTES or len(sealed) < _NONCE_BYTES:
        raise _damaged()
    return head, sealed


def _within(head: dict[str, object], name: str, least: int, most: int) -> int:
    value = head.get(name)
    if type(value) is not int or not least <= value <= most:
        raise _damaged()
    return value


def _damaged() -> NoKey:
    return NoKey(
        gettext_noop(
            "The file with the key under a passphrase is damaged. Bring it back from its backup."
        )
    )


def _bound(head: dict[str, object]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()


def _derived(passphrase: str, salt: bytes, costs: Costs) -> bytes:
    try:
        return Argon2id(
            salt=salt,
            length=KEY_BYTES,
            iterations=costs.iterations,
            lanes=costs.lanes,
            memory_cost=costs.memory_kib,
        ).derive(passphrase.encode())
    except (ValueError, MemoryError) as exc:
        raise NoKey(
            gettext_noop(
                "The passphrase cannot be worked on: %(memory)d MiB of memory are not to be had, "
                "or the costs in the file are no good."
            ),
            memory=costs.memory_kib // 1024,
        ) from exc
