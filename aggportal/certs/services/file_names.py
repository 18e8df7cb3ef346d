"""File names that follow from a CN."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# What a name for files may have (`pki.exports`) and what the database keeps of it.
MAX_BASE = 100


def with_ending(base: str, ending: str) -> str:
    """Return `base` with `ending`, cut so that both are no longer than a name for files may be."""
    return f"{base[: MAX_BASE - len(ending)]}{ending}"


def base_name_of(common_name: str, *, fallback: str = "certificate") -> str:
    """Return a name for files: the CN with everything unsafe as a dash, `fallback` where nothing is
    left.
    """
    safe = _UNSAFE.sub("-", common_name).strip("-.")[:80].strip("-.")
    return safe or fallback
