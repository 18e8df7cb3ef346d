"""Files of the set and their archive."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field

SECRET_MODE, FILE_MODE = 0o600, 0o644


@dataclass(frozen=True, kw_only=True, slots=True)
class StudioFile:
    """One file: its path with slashes, its text (never in a repr), its mode bits."""

    path: str
    body: str = field(repr=False)
    mode: int = FILE_MODE


def pack(files: Sequence[StudioFile], *, now: dt.datetime) -> bytes:
    """Pack `files` into a .tar.gz; same files and `now`, same bytes."""
    seconds = int(now.timestamp())
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=seconds) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for file in files:
            body = file.body.encode()
            entry = tarfile.TarInfo(file.path)
            entry.size, entry.mode, entry.mtime = len(body), file.mode, seconds
            entry.uname = entry.gname = "root"
            tar.addfile(entry, io.BytesIO(body))
    return packed.getvalue()
