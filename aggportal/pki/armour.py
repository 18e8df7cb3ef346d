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

_MARK = re.compile(rb"-----(BEGIN|END) ([A-Za-z0-9 #]{1,64})-----")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
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


def pieces_of(data: bytes, *, most: int = MAX_PIECES) -> tuple[Piece, ...]:
    """Take `data` apart, into at most so many pieces.

    Raises `NothingFound` where there is neither PEM nor DER.
    """
    if len(data) > MAX_INPUT_BYTES:
        raise NothingFound(
            _n("This is %(size)d bytes long, and at most %(limit)d are looked at."),
            size=len(data),
            limit=MAX_INPUT_BYTES,
        )
    if not data.strip():
        raise NothingFound(_n("There is nothing in it."))
    return _pieces(data, most=most, again=True)


def _pieces(data: bytes, *, most: int, again: bool) -> tuple[Piece, ...]:
    if data[:1] == b"\x30":
        return (Piece(label="", der=data),)
    blocks = _blocks(data, most=most)
    if len(blocks) > most:
        raise NothingFound(
            _n("There are more than %(limit)d PEM blocks. Give fewer at once."),
            limit=most,
        )
    if blocks:
        return blocks
    inner = _unwrapped(data) if again else b""
    if inner:
        return _pieces(inner, most=most, again=False)
    raise NothingFound(
        _n(
            "Neither PEM (“-----BEGIN …-----”) nor DER: it is not known what this is. Read are "
            "certificates, signing requests, revocation lists, keys, PKCS#7 and PKCS#12."
        )
    )


def _unwrapped(data: bytes) -> bytes:
    """Return what base64 without armour holds, when that is PEM or DER."""
    dense = b"".join(data.split())
    if not _BASE64.fullmatch(dense):
        return b""
    try:
        inner = base64.b64decode(dense, validate=True)
    except binascii.Error:
        return b""
    return inner if inner[:1] == b"\x30" or b"-----BEGIN " in inner else b""


def _blocks(data: bytes, *, most: int) -> tuple[Piece, ...]:
    """Pair each BEGIN with the END that follows it, reading once from left to right.

    A BEGIN without its END makes a damaged piece, so that nothing goes unmentioned.
    """
    pieces: list[Piece] = []
    begun: re.Match[bytes] | None = None
    for mark in _MARK.finditer(data):
        if begun is not None:
            pieces.append(_piece(data, begun, mark))
        begun = mark if mark[1] == b"BEGIN" else None
        if len(pieces) > most:
            break
    if begun is not None:
        pieces.append(_piece(data, begun, begun))
    return tuple(pieces)


def _piece(data: bytes, begun: re.Match[bytes], ended: re.Match[bytes]) -> Piece:
    body = data[begun.end() : ended.start()]
    headers = _HEADERS.match(body)
    dense = b"".join(body[headers.end() if headers else 0 :].split())
    try:
        der = base64.b64decode(dense, validate=True)
    except binascii.Error:
        der = b""
    is_closed = ended[1] == b"END" and ended[2] == begun[2]
    return Piece(
        label=begun[2].decode("ascii"),
        der=der,
        block=data[begun.start() : ended.end()] + b"\n",
        is_damaged=not der or not is_closed,
    )
