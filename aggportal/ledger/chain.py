"""The one spelling of what is hashed. What is computed over it stands in `offline`."""

from __future__ import annotations

import json
from collections.abc import Mapping


def canonical_json(document: Mapping[str, object]) -> str:
    """Return the one spelling of `document`: sorted keys, ASCII, no spaces.

    It is stored and never made again.
    """
    return json.dumps(
        document, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )
