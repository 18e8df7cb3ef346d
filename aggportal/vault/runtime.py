"""The folder through which an unsealed key reaches the other processes of this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from aggportal.vault.errors import NoKey
from aggportal.words import gettext_noop

_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def runtime_folder(base: Path) -> Path:
    """Return the folder of this boot below `base`, made where it is missing: what an earlier boot
    left does not count, even where `base` lies on a disk.

    Raises NoKey where somebody else owns it or may look into it.
    """
    folder = base / f"boot-{boot_id()}"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise _unfit(base) from exc
    if not _is_ours(base, stat.S_IWGRP | stat.S_IWOTH) or not _is_ours(folder, _OF_OTHERS):
        raise _unfit(base)
    return folder


def _is_ours(folder: Path, never: int) -> bool:
    """Tell whether it is a folder of ours, and nobody else may do to it what `never` says."""
    try:
        told = os.lstat(folder)
    except OSError:
        return False
    is_own = stat.S_ISDIR(told.st_mode) and told.st_uid == os.geteuid()
    return is_own and not told.st_mode & never


def boot_id() -> str:
    """Return what names this boot of the machine; the same text always where that is not told."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"


def is_in_memory(folder: Path) -> bool:
    """Tell whether `folder` lies in memory (tmpfs, ramfs), by the longest mount point above it."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return False
    place = folder.resolve()
    above = [(m[1], m[2]) for m in mounts if place.is_relative_to(m[1])]
    return bool(above) and max(above, key=lambda mount: len(mount[0]))[1] in {"tmpfs", "ramfs"}


def _unfit(base: Path) -> NoKey:
    return NoKey(
        gettext_noop(
            "The folder %(name)s is not the portal's alone, so that an unsealed key cannot lie "
            "there. Give it its own one, of mode 0700, in AGGPORTAL_RUNTIME_DIR."
        ),
        name=str(base),
    )
