"""Sentences of the cores as JSON in a column, so that each reader gets them in their language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aggportal.words import Sentence

Told = dict[str, Any]

DEEPEST = 100


def tell(sentence: Sentence | None) -> Told | None:
    """Return `sentence` as JSON values; nested sentences too."""
    if sentence is None:
        return None
    return {"text": sentence.text, "params": {k: _plain(v) for k, v in sentence.params.items()}}


def told(stored: Mapping[str, Any] | None) -> Sentence | None:
    """Return the sentence of `tell`."""
    if not stored:
        return None
    params = {name: _rich(value) for name, value in stored["params"].items()}
    return Sentence(text=stored["text"], params=params)


def _plain(value: object) -> object:
    if isinstance(value, Sentence):
        return tell(value)
    return value if isinstance(value, int | float) else storable(str(value))


def _rich(value: object) -> object:
    return told(value) if isinstance(value, Mapping) else value


def storable(value: Any, *, depth: int = 0) -> Any:
    """Return JSON `value` without what a database refuses.

    NUL and lone surrogates in texts are replaced, NaN and infinities become text, and what is
    nested deeper than `DEEPEST` becomes an ellipsis.
    """
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping | list) and depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {_clean(str(key)): storable(each, depth=depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [storable(each, depth=depth + 1) for each in value]
    return value


def _clean(text: str) -> str:
    bare = text.replace("\x00", "\ufffd")
    if bare.isascii():
        return bare
    return bare.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
