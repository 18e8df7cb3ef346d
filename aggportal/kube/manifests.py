"""Kubernetes documents as YAML text that every reader understands alike.

PyYAML and Go's YAML libraries disagree about plain words: `1e3` is a string for the one and a
number for the other, `y` a letter or a truth. So a string is written plain only when no reader can
take it for anything else, and in double quotes otherwise; what is not ASCII becomes an escape
(U+0085 and lone marks survive no other way).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/._-]*", re.ASCII)
_WORDS_WITH_A_MEANING = frozenset(
    {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nil", "nan", "inf", "infinity"}
)
# Wide enough that no value is folded over two lines, where a person would copy half of it.
_NEVER_FOLD = 1_000_000


class _Dumper(yaml.SafeDumper):
    """Writes no anchors and indents lists under their key, as kubectl does."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_WITH_A_MEANING
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)


def dump_yaml(*documents: object) -> str:
    """Return `documents` (dicts, lists and scalars) as YAML in their own order, `---` between."""
    return "---\n".join(_dump(documents))


def _dump(documents: Iterable[object]) -> Iterable[str]:
    for document in documents:
        yield yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=_NEVER_FOLD)
