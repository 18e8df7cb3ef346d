"""What the page sends back, written into a copy of the document."""

from __future__ import annotations

from collections.abc import Mapping

from aggportal.certs.forms.spec_fields import (
    NAME_FIELDS,
    Json,
    entries_of,
    name_data,
    objects,
    write_text,
)

Posted = Mapping[str, str]
MAX_NAMES = 10


def merged_entries(before: Json, post: Posted) -> list[Json]:
    """Return the entries of `names` with the fields that were changed; everything else stays."""
    entries = entries_of(before)
    merged = [dict(entry) for entry in entries]
    for i in range(MAX_NAMES):
        if f"names-{i}-C" not in post:
            break
        old = objects(entries[i]) if i < len(entries) else {}
        entry = dict(old)
        shown = name_data(old, i)
        for key in NAME_FIELDS:
            new = unbroken(post.get(f"names-{i}-{key}", ""))
            if new != shown[f"names-{i}-{key}"]:
                write_text(entry, key, new)
        if i < len(merged):
            merged[i] = entry
        elif entry:
            merged.append(entry)
    return merged


def unbroken(value: str) -> str:
    """Browsers send line breaks as CR LF; a trailing one is only where the cursor stood."""
    return value.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
