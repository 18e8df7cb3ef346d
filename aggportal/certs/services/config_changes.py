"""What differs between two signing configs, line by line and without words, for the ledger and for
people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from aggportal.pki.jsontext import parse_json
from aggportal.web.sentences import visible

MAX_LINES = 100
_MAX_VALUE = 120
_ABSENT = object()


def config_changes(before: str, after: str) -> tuple[str, ...]:
    """Return lines such as `www.expiry: 8760h → 720h`, `www.usages: + client auth`, `+
    profile-name`, `− other`.

    Both are `ca-config.json` texts that the core accepted. Raises `InvalidJson` otherwise.
    """
    changed = _changed(_by_profile(parse_json(before)), _by_profile(parse_json(after)))
    lines = [visible(line) for line in changed]
    if len(lines) > MAX_LINES:
        return (*lines[:MAX_LINES], f"… +{len(lines) - MAX_LINES}")
    return tuple(lines)


def _by_profile(document: Mapping[str, object]) -> dict[str, object]:
    """Return the document with `signing.default` and the profiles on top, under their names."""
    signing = document.get("signing")
    inner = dict(signing) if isinstance(signing, dict) else {}
    profiles = inner.pop("profiles", None)
    rest = {key: value for key, value in document.items() if key != "signing"}
    return {**rest, **inner, **(profiles if isinstance(profiles, dict) else {})}


def _changed(
    before: Mapping[str, object], after: Mapping[str, object], path: str = ""
) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        where = f"{path}.{key}" if path else key
        if old == new:
            continue
        if not path and old is _ABSENT:
            yield f"+ {where}: {_said(new)}"
        elif not path and new is _ABSENT:
            yield f"− {where}: {_said(old)}"
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from _changed(old, new, where)
        elif isinstance(old, list) and isinstance(new, list):
            yield f"{where}: {_list_change(old, new)}"
        else:
            yield f"{where}: {_said(old)} → {_said(new)}"


def _list_change(old: list[object], new: list[object]) -> str:
    gone = [f"− {_said(value)}" for value in old if value not in new]
    come = [f"+ {_said(value)}" for value in new if value not in old]
    return ", ".join(gone + come) or f"{_said(old)} → {_said(new)}"


def _said(value: object) -> str:
    text = "∅" if value is _ABSENT else _written(value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def _written(value: object) -> str:
    """Write a value as people read it: `usages signing, client auth; expiry 8760h`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "; ".join(f"{key} {_written(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_written(inner) for inner in value)
    return json.dumps(value)
