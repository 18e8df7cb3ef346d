"""A small reader of tar (POSIX.1-1988 ustar, pax and GNU long names), for files of strangers.

Own because it must not be made to wait or to fill the memory: the standard library's reader has had
headers on which it looped or took minutes. It reads headers once from front to back and follows
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aggportal.pki.errors import PkiError
from aggportal.words import gettext_noop as _n

BLOCK = 512
_PAX_PATH = re.compile(rb"[0-9]{1,10} path=([^\n\0]{1,4096})\n")
_FILES = (b"0", b"\0", b"7")
_FOLDER, _PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"5", b"x", b"g", b"L", b"K"
_LINKS = (b"1", b"2")


class DamagedArchive(PkiError):
    """The archive cannot be read."""

    code = "damaged-archive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry: a file with its `data`, or what is no file (`is_link`, `is_odd`: a device)."""

    name: str
    data: bytes = field(default=b"", repr=False)
    is_link: bool = False
    is_odd: bool = False


def is_tar(data: bytes) -> bool:
    """Tell a tar archive by the checksum of its first header."""
    return len(data) >= BLOCK and _sum_fits(data[:BLOCK])


def tar_entries(data: bytes) -> Iterator[Entry]:
    """Yield files, links and devices in their order; folders are passed over.

    Raises `DamagedArchive`.
    """
    at, long_name = 0, b""
    while at + BLOCK <= len(data):
        header = data[at : at + BLOCK]
        if not header.strip(b"\0"):
            return
        if not _sum_fits(header):
            raise _damaged()
        size = _octal(header[124:136])
        body = data[at + BLOCK : at + BLOCK + size]
        if len(body) < size:
            raise _damaged()
        at += BLOCK + -(-size // BLOCK) * BLOCK
        kind = header[156:157]
        if kind == _LONG_NAME:
            long_name = body.rstrip(b"\0")[:4096]
        elif kind == _PAX:
            found = _PAX_PATH.search(body[:16384])
            long_name = found[1] if found else long_name
        elif kind not in (_PAX_GLOBAL, _LONG_LINK):
            if kind != _FOLDER:
                yield _entry(header, body, kind=kind, long_name=long_name)
            long_name = b""


def _entry(header: bytes, body: bytes, *, kind: bytes, long_name: bytes) -> Entry:
    name = (long_name or _name(header)).decode("utf-8", "replace")
    if kind in _FILES:
        return Entry(name=name, data=body)
    return Entry(name=name, is_link=kind in _LINKS, is_odd=kind not in _LINKS)


def _name(header: bytes) -> bytes:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _sum_fits(header: bytes) -> bool:
    try:
        told = _octal(header[148:156])
    except DamagedArchive:
        return False
    return told == sum(header[:148]) + 8 * 0x20 + sum(header[156:])


def _octal(field_: bytes) -> int:
    digits = field_.strip(b" \0")
    # Sizes above 8 GiB stand in binary (GNU); such a file is no matter of ours.
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise _damaged()
    return int(digits, 8)


def _damaged() -> DamagedArchive:
    return DamagedArchive(_n("The tar archive is damaged or cut off."))
