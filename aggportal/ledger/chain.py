"""The chain's arithmetic, apart from any database: RFC 6962's leaf prefix, and each entry over the
one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

START = "0" * 64


def canonical_json(document: Mapping[str, object]) -> str:
    """Return the one spelling of `document`: sorted keys, ASCII, no spaces.

    It is stored and never made again.
    """
    return json.dumps(
        document, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )


def digest_of(canonical: str, *, previous: str) -> str:
    """Return SHA-256(0x00 ‖ previous digest ‖ canonical bytes) in hex."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(previous) + canonical.encode("ascii")).hexdigest()
