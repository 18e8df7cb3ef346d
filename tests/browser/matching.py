"""Patterns for what a field or an area must come to hold."""

from __future__ import annotations

import json
import re


def holding(*texts: str) -> re.Pattern[str]:
    """Matches whatever holds all texts, in any order."""
    return re.compile("".join(f"(?=.*{re.escape(text)})" for text in texts), re.DOTALL)


def json_with(**values: object) -> re.Pattern[str]:
    """Matches JSON text that has these members somewhere."""
    return holding(*(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items()))


def json_with_key(key: str) -> re.Pattern[str]:
    """Matches JSON text that has an object under this key."""
    return re.compile(re.escape(json.dumps(key)) + r":\s*\{")
