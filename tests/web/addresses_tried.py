"""Every address of the portal, from its URLconf, with something in each place of its pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

_NAMED = re.compile(r"\(\?P<\w+>(?:\[[^\]]*\]|[^)])*\)")
_UUID = "00000000-0000-4000-8000-000000000000"


def every_address() -> Iterator[tuple[str, str]]:
    """Yield the full name (its path where it has none) and the path of each."""
    yield from _under(get_resolver(), space="", path="/")


def _under(resolver: URLResolver, *, space: str, path: str) -> Iterator[tuple[str, str]]:
    for each in resolver.url_patterns:
        further = path + _filled(str(each.pattern))
        if isinstance(each, URLPattern):
            yield f"{space}{each.name or further}", further
        else:
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from _under(each, space=inner, path=further)


def _filled(pattern: str) -> str:
    """Write 1 in each place, or what its kind takes."""
    pattern = re.sub(r"<uuid:\w+>", _UUID, pattern)
    pattern = _NAMED.sub("1", re.sub(r"<(?:\w+:)?\w+>", "1", pattern))
    return re.sub(r"\\Z|[\^$\\]", "", pattern)
