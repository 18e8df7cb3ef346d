"""The file of a backup.

    "aggportal-backup\\n", one byte of version (1), four bytes of the header's length (big endian),
    the header (JSON: `locks`, see `locks`), then chunks.

A chunk is AES-256-GCM over at most 1 MiB under the archive's own random key, with four bytes of
length before it. The nonce is the chunk's number (8 bytes) after 3 zero bytes and one that is 1 for
the last chunk; the SHA-256 of everything before the first chunk is its associated data. So nothing
can be changed, moved, left out or cut off, the end included. What is encrypted: four bytes of
length, the manifest (JSON), the database as its engine writes it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aggportal.backups.errors import BadArchive
from aggportal.backups.locks import Lock
from aggportal.words import gettext_noop as _n

MAGIC = b"aggportal-backup\n"
VERSION = 1
CHUNK = 1 << 20
_TAG = 16
_LONGEST_HEADER = 1 << 20
Opener = Callable[[Sequence[Lock]], bytes]


def write_archive(
    out: IO[bytes], content: Iterable[bytes], *, key: bytes, locks: Sequence[Lock]
) -> str:
    """Encrypt `content` into `out`; return the SHA-256 of the file in hex."""
    header = json.dumps({"locks": list(locks)}, sort_keys=True).encode()
    front = MAGIC + bytes([VERSION]) + struct.pack(">I", len(header)) + header
    digest, bound = hashlib.sha256(front), hashlib.sha256(front).digest()
    out.write(front)
    cipher = AESGCM(key)
    for number, chunk, is_last in _chunked(content):
        sealed = cipher.encrypt(_nonce(number, is_last), chunk, bound)
        framed = struct.pack(">I", len(sealed)) + sealed
        digest.update(framed)
        out.write(framed)
    return digest.hexdigest()


def read_archive(file: IO[bytes], open_key: Opener) -> Iterator[bytes]:
    """Yield the content, each part authenticated. `open_key` makes the key of the locks.

    Raises BadArchive; what came before the last chunk must not be used until all has come.
    """
    locks, bound = _front(file)
    cipher = _cipher(open_key, locks)
    number, waiting = 0, _framed(file)
    while waiting is not None:
        following = _framed(file)
        try:
            yield cipher.decrypt(_nonce(number, following is None), waiting, bound)
        except InvalidTag as exc:
            raise BadArchive(
                _n("The backup was changed or cut off at part %(number)s; nothing of it is used."),
                number=number + 1,
            ) from exc
        number, waiting = number + 1, following
    if not number:
        raise BadArchive(_n("The backup was cut off before its content."))


def _cipher(open_key: Opener, locks: Sequence[Lock]) -> AESGCM:
    try:
        return AESGCM(open_key(locks))
    except (KeyError, TypeError, ValueError) as exc:
        raise BadArchive(_n("The backup's header cannot be read.")) from exc


def _front(file: IO[bytes]) -> tuple[list[Lock], bytes]:
    start = file.read(len(MAGIC) + 5)
    if len(start) != len(MAGIC) + 5 or not start.startswith(MAGIC):
        raise BadArchive(_n("This file is no backup of AggPortal."))
    version, (length,) = start[len(MAGIC)], struct.unpack(">I", start[-4:])
    if version != VERSION:
        raise BadArchive(
            _n("This backup has the form %(version)s, which a newer AggPortal reads."),
            version=version,
        )
    header = file.read(min(length, _LONGEST_HEADER))
    try:
        found: dict[str, Any] = json.loads(header)
        locks = [dict(lock) for lock in found["locks"]]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise BadArchive(_n("The backup's header cannot be read.")) from exc
    return locks, hashlib.sha256(start + header).digest()


def _framed(file: IO[bytes]) -> bytes | None:
    """Return the next sealed chunk; None at the end of the file."""
    prefix = file.read(4)
    if not prefix:
        return None
    length = struct.unpack(">I", prefix)[0] if len(prefix) == 4 else 0
    sealed = file.read(length) if _TAG <= length <= CHUNK + _TAG else b""
    if len(sealed) != length or not sealed:
        raise BadArchive(_n("The backup was cut off; nothing of it is used."))
    return sealed


def _chunked(content: Iterable[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Cut content into chunks: number, bytes, and whether it is the last; there is always one."""
    number, waiting = 0, bytearray()
    for part in content:
        waiting += part
        while len(waiting) > CHUNK:
            yield number, bytes(waiting[:CHUNK]), False
            del waiting[:CHUNK]
            number += 1
    yield number, bytes(waiting), True


def _nonce(number: int, is_last: bool) -> bytes:
    return bytes([0, 0, 0, is_last]) + struct.pack(">Q", number)
