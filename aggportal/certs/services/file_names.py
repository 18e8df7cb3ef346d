"""File names that follow from a CN."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def base_name_of(common_name: str, *, fallback: str = "certificate") -> str:
    """Return a name for files: the CN with everything unsafe as a dash, `fallback` where nothing is
    left.
    """
    safe = _UNSAFE.sub("-", common_name).strip("-.")[:80].strip("-.")
    return safe or fallback
