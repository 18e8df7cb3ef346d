"""YAML and JSON from strangers: small, flat, without aliases, in bounded time.

338 bytes of YAML can become 50 MB and 644 bytes can keep a processor busy for ten seconds, through
aliases and merge keys. Both are refused, as are documents that are large, deep, or say one key
twice. The result holds dicts, lists, strings, booleans and None; a number stays the text it was.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from aggportal.kube.errors import InvalidKubeconfig
from aggportal.words import gettext_noop as _n

MAX_BYTES = 65_536
MAX_DEPTH = 20
MAX_NODES = 5_000
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "timestamp"))
# Escapes can spell what no page can show and no database keep: NUL and lone surrogates.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def load_strictly(text: str) -> object:
    """The one document in `text`; InvalidKubeconfig, with line and column, for all the rest."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InvalidKubeconfig(_n("This is larger than %(limit)d kB."), limit=MAX_BYTES // 1024)
    doc = _load_json(text) if text.lstrip().startswith("{") else _load_yaml(text)
    _require_sound(doc, depth=1)
    return doc


def _load_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=str, parse_float=str)
    except json.JSONDecodeError as exc:
        raise _malformed(exc.lineno, exc.colno) from exc
    except RecursionError as exc:
        raise _too_deep() from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    doc = dict(pairs)
    if len(doc) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidKubeconfig(_n("The key %(key)s stands there twice."), key=twice)
    return doc


def _require_sound(value: object, *, depth: int) -> None:
    """Refuse what is nested too deep, and text that is none."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, str) and _NO_TEXT.search(value):
        raise InvalidKubeconfig(_n("This holds a character that is none (NUL or half a pair)."))
    children: Iterator[object] = iter(())
    if isinstance(value, dict):
        children = itertools.chain(value, value.values())
    elif isinstance(value, list):
        children = iter(value)
    for child in children:
        _require_sound(child, depth=depth + 1)


def _load_yaml(text: str) -> object:
    try:
        _require_plain_events(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise _malformed(mark.line + 1 if mark else 0, mark.column + 1 if mark else 0) from exc
    except (yaml.YAMLError, ValueError) as exc:
        raise _malformed(0, 0) from exc
    return None if node is None else _value(node)


def _require_plain_events(text: str) -> None:
    """Refuse while reading, before anything is built."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise InvalidKubeconfig(
                _n("Line %(line)d: aliases and anchors (& and *) are not accepted; write it out."),
                **_place(event),
            )
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _too_deep(**_place(event))
        if count > MAX_NODES:
            raise InvalidKubeconfig(
                _n("This holds more than %(limit)d values; take out what is not needed."),
                limit=MAX_NODES,
            )


def _value(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
        return [_value(child) for child in node.value]
    if isinstance(node, yaml.ScalarNode):
        if node.tag in _TEXT_TAGS:
            return node.value
        if node.tag == _TAG + "null":
            return None
        if node.tag == _TAG + "bool" and node.value.lower() in _WORDS:
            return _WORDS[node.value.lower()]
    raise InvalidKubeconfig(
        _n("Line %(line)d: the type %(tag)s is not accepted."), tag=node.tag[:80], **_place(node)
    )


def _mapping(node: yaml.MappingNode) -> dict[str, object]:
    doc: dict[str, object] = {}
    for key_node, value_node in node.value:
        place = _place(key_node)
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _TEXT_TAGS:
            raise InvalidKubeconfig(
                _n("Line %(line)d: a key must be plain text; << is not accepted."), **place
            )
        if key_node.value in doc:
            raise InvalidKubeconfig(
                _n("Line %(line)d: the key %(key)s stands there twice."),
                key=key_node.value[:80],
                **place,
            )
        doc[key_node.value] = _value(value_node)
    return doc


def _place(node: yaml.Node | yaml.Event) -> dict[str, int]:
    mark = node.start_mark
    return {"line": mark.line + 1, "column": mark.column + 1} if mark else {}


def _malformed(line: int, column: int) -> InvalidKubeconfig:
    if not line:
        return InvalidKubeconfig(_n("This is neither YAML nor JSON."))
    return InvalidKubeconfig(
        _n("Line %(line)d, column %(column)d: this is neither YAML nor JSON."),
        line=line,
        column=column,
    )


def _too_deep(*, line: int = 0, column: int = 0) -> InvalidKubeconfig:
    return InvalidKubeconfig(
        _n("This is nested deeper than %(limit)d levels."),
        line=line,
        column=column,
        limit=MAX_DEPTH,
    )
