"""From what a person pastes or drops to single pieces: PEM blocks, bare DER, or either in base64
once more, as it stands in a Secret or a caBundle.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from aggportal.pki.errors import PkiError
from aggportal.words import gettext_noop as _n

MAX_INPUT_BYTES = 512 * 1024
MAX_PIECES = 100

_BLOCK = re.compile(
    rb"-----BEGIN (?P<label>[A-Za-z0-9 #]{1,64})-----"
    rb"(?P<body>[^\x00]*?)"
    rb"-----END (?P<end>[A-Za-z0-9 #]{1,64})-----"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\s-]{16,}={0,2}\s*")
_HEADERS = re.compile(rb"\s*(?:[A-Za-z0-9-]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n)+\r?\n")


class NothingFound(PkiError):
    """There is nothing that could be looked at."""

    code = "nothing-found"


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One armoured block or one DER file.

    `label` is empty for DER; `block` is the PEM as it came.
    """

    label: str
    der: bytes = field(repr=False)
    block: bytes = field(default=b"", repr=False)
    is_damaged: bool = False


def pieces_of(data: bytes) -> tuple[Piece, ...]:
    """Take `data` apart. Raises `NothingFound` where there is neither PEM nor DER."""
    if len(data) > MAX_INPUT_BYTES:
        raise NothingFound(
            _n("This is %(size)d bytes long, and at most %(limit)d are looked at."),
            size=len(data),
            limit=MAX_INPUT_BYTES,
        )
    if not data.strip():
        raise NothingFound(_n("There is nothing in it."))
    return _pieces(data, again=True)


def _pieces(data: bytes, *, again: bool) -> tuple[Piece, ...]:
    if data[:1] == b"\x30":
        return (Piece(label="", der=data),)
    blocks = list(_BLOCK.finditer(data))
    if len(blocks) > MAX_PIECES:
        raise NothingFound(
            _n("There are %(count)d PEM blocks, and at most %(limit)d are looked at."),
            count=len(blocks),
            limit=MAX_PIECES,
        )
    if blocks:
        return tuple(map(_piece, blocks))
    inner = _unwrapped(data) if again else b""
    if inner:
        return _pieces(inner, again=False)
    raise NothingFound(
        _n(
            "Neither PEM (“-----BEGIN …-----”) nor DER: it is not known what this is. Read are "
            "certificates, signing requests, revocation lists, keys, PKCS#7 and PKCS#12."
        )
    )


def _unwrapped(data: bytes) -> bytes:
    """Return what base64 without armour holds, when that is PEM or DER."""
    if not _BASE64.fullmatch(data):
        return b""
    try:
        inner = base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        return b""
    return inner if inner[:1] == b"\x30" or b"-----BEGIN " in inner else b""


def _piece(match: re.Match[bytes]) -> Piece:
    label = match["label"].decode("ascii")
    body = _HEADERS.sub(b"", match["body"], count=1)
    try:
        der = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        der = b""
    is_damaged = not der or match["end"] != match["label"]
    return Piece(label=label, der=der, block=match[0] + b"\n", is_damaged=is_damaged)
