"""Archives of strangers (.tar, .tar.gz, .zip), opened in memory alone.

Nothing is written to a disk and no link followed; the names of members are labels and never paths.
Numbers and sizes are limited before and while anything is unpacked, so that a small file cannot
become a large one.
"""

from __future__ import annotations

import io
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from aggportal.pki.errors import PkiError
from aggportal.pki.tarballs import DamagedArchive, Entry, is_tar, tar_entries
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_MEMBERS = 300
MAX_MEMBER_BYTES = 512 * 1024
MAX_UNPACKED_BYTES = 8 * 1024 * 1024
MAX_NAME = 300
_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
# Packed things inside: gzip, zip, bzip2, xz, 7z, zstandard.
_PACKED = (_GZIP, *_ZIP, b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd")
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ArchiveTooLarge(PkiError):
    """The archive holds more than is unpacked."""

    code = "archive-too-large"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One file of an archive. `refused` says why it was left out; `data` is empty then."""

    name: str
    data: bytes = field(default=b"", repr=False)
    refused: Sentence | None = None


def is_archive(data: bytes) -> bool:
    """Tell an archive by its first bytes."""
    return data[:2] == _GZIP or data[:4] in _ZIP or is_tar(data)


def archive_members(data: bytes) -> tuple[Member, ...]:
    """Return every file of an archive in its order; what is no plain file says why it was left out.

    Raises `DamagedArchive`, `ArchiveTooLarge`.
    """
    entries = _zip_entries(data) if data[:4] in _ZIP else tar_entries(_unpacked(data))
    found: list[Member] = []
    left = MAX_UNPACKED_BYTES
    for entry in entries:
        if len(found) == MAX_MEMBERS:
            raise ArchiveTooLarge(
                _n("There are more than %(limit)d files in the archive."), limit=MAX_MEMBERS
            )
        left -= len(entry.data)
        if left < 0:
            raise _too_large()
        found.append(_member(entry))
    return tuple(found)


def _unpacked(data: bytes) -> bytes:
    """Undo gzip, up to the limit and no further."""
    if data[:2] != _GZIP:
        return data
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(data, MAX_UNPACKED_BYTES + 1)
    except zlib.error as error:
        raise DamagedArchive(_n("The archive is damaged: gzip cannot undo it.")) from error
    if len(plain) > MAX_UNPACKED_BYTES:
        raise _too_large()
    if not inflate.eof:
        raise DamagedArchive(_n("The archive is damaged: gzip cannot undo it."))
    if not is_tar(plain):
        raise DamagedArchive(_n("What is packed with gzip here is not a tar archive."))
    return plain


def _zip_entries(data: bytes) -> Iterator[Entry]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            listed = opened.infolist()
            if sum(info.file_size for info in listed) > MAX_UNPACKED_BYTES:
                raise _too_large()
            for info in listed:
                if not info.is_dir():
                    yield _zip_entry(opened, info)
    # What the standard library was seen to raise on broken archives.
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        RuntimeError,
        OSError,
        EOFError,
        OverflowError,
        KeyError,
    ) as error:
        raise DamagedArchive(
            _n("The zip archive is damaged, encrypted, or packed in a way that is not read here.")
        ) from error


def _zip_entry(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return Entry(name=info.filename, is_link=True)
    if info.flag_bits & 1 or info.compress_type not in _READABLE:
        raise zipfile.BadZipFile
    with opened.open(info) as file:
        return Entry(name=info.filename, data=file.read(MAX_MEMBER_BYTES + 1))


def _member(entry: Entry) -> Member:
    refused = _refusal(entry)
    name = entry.name if len(entry.name) <= MAX_NAME else entry.name[:MAX_NAME] + "…"
    if refused:
        return Member(name=name, refused=Sentence(text=refused))
    return Member(name=name.removeprefix("./"), data=entry.data)


def _refusal(entry: Entry) -> str:
    if entry.is_link:
        return _n("It is a link, and links are not followed. Put the file itself in.")
    if entry.is_odd:
        return _n("It is no plain file.")
    if _is_odd_name(entry.name):
        return _n("Its name leads out of the archive or holds characters that cannot be seen.")
    if len(entry.data) > MAX_MEMBER_BYTES:
        return _n("It is larger than a file of certificates or keys can be.")
    if entry.data.startswith(_PACKED) or is_tar(entry.data):
        return _n("It is an archive itself. Unpack it and give its files.")
    return ""


def _is_odd_name(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    unseen = any(unicodedata.category(char)[0] == "C" for char in name)
    return unseen or ".." in parts or name.startswith("/") or not name or len(name) > MAX_NAME


def _too_large() -> ArchiveTooLarge:
    return ArchiveTooLarge(
        _n("Unpacked, the archive is larger than %(limit)d MiB, and so it was not read."),
        limit=MAX_UNPACKED_BYTES // 2**20,
    )
