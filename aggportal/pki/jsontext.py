"""JSON texts, read strictly: a person learns the line and column, and nothing is read in two ways.

Beyond Python's reader this refuses repeated keys, NaN and Infinity, deep nesting and long texts
(RFC 8259 section 4 leaves repeated keys open; cfssl takes the last, silently).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NoReturn

from aggportal.pki.errors import InvalidJson
from aggportal.words import gettext_noop as _n

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_NUMBER_LENGTH = 40

# A string may be unterminated here, so that no text makes this expression look twice at the same
# character.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}:,]|[^\s"\[\]{}:,]+', re.DOTALL)

_WORDS = {
    "Expecting ',' delimiter": _n(
        "Line %(line)d, column %(column)d: a comma or a closing bracket is missing here."
    ),
    "Expecting ':' delimiter": _n(
        "Line %(line)d, column %(column)d: a colon is missing after the key."
    ),
    "Expecting value": _n("Line %(line)d, column %(column)d: a value is missing here."),
    "Expecting property name enclosed in double quotes": _n(
        "Line %(line)d, column %(column)d: a key in double quotes is missing here."
    ),
    "Extra data": _n(
        "Line %(line)d, column %(column)d: the document has ended before this; remove what follows."
    ),
    "Unterminated string starting at": _n(
        "Line %(line)d, column %(column)d: this string is never closed."
    ),
    "Invalid control character at": _n(
        "Line %(line)d, column %(column)d: a line break, tab or control character stands inside a "
        "string."
    ),
}
_OTHERWISE = _n("Line %(line)d, column %(column)d: this is not valid JSON.")
_TRAILING_COMMA = _n(
    "Line %(line)d, column %(column)d: remove the comma before the closing bracket."
)


def parse_json(text: str) -> dict[str, object]:
    """Read one JSON object. Raises `InvalidJson` with line and column."""
    _require_small(text)
    _require_shallow(text)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _syntax_refusal(text, error) from error
    _require_unique_keys(text)
    if not isinstance(document, dict):
        raise InvalidJson(_n("The document must be a JSON object: { … }."), line=1, column=1)
    return document


def dump_json(document: Mapping[str, object]) -> str:
    """Write as `cfssl print-defaults` does: four spaces, keys in their order, a line break at the
    end.
    """
    return json.dumps(dict(document), indent=4, ensure_ascii=False, allow_nan=False) + "\n"


def _require_small(text: str) -> None:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InvalidJson(
            _n("The document is larger than %(limit)d kB."),
            line=0,
            column=0,
            limit=MAX_BYTES // 1024,
        )
    if not text.strip():
        raise InvalidJson(_n("The document is empty."), line=1, column=1)


def _require_shallow(text: str) -> None:
    depth = 0
    for position, token in _tokens(text):
        depth += (token in ("{", "[")) - (token in ("}", "]"))
        if depth > MAX_DEPTH:
            _refuse(
                text,
                position,
                _n("Line %(line)d, column %(column)d: nested more than %(limit)d levels deep."),
            )
        if token in ("NaN", "Infinity", "-Infinity"):
            _refuse(
                text,
                position,
                _n("Line %(line)d, column %(column)d: JSON knows no NaN and no Infinity."),
            )
        if token[0] in "-0123456789" and (len(token) > MAX_NUMBER_LENGTH or _is_huge(token)):
            _refuse(
                text,
                position,
                _n("Line %(line)d, column %(column)d: this number is too long or too large."),
            )


def _is_huge(token: str) -> bool:
    try:
        return abs(float(token)) == float("inf")
    except ValueError:
        return False


def _require_unique_keys(text: str) -> None:
    """Refuse a key that stands twice in one object. The text is known to be valid JSON."""
    open_keys: list[set[str]] = []
    last_position, last_token = 0, ""
    for position, token in _tokens(text):
        if token in ("{", "["):
            open_keys.append(set())
        elif token in ("}", "]"):
            open_keys.pop()
        elif token in (":",):
            key = json.loads(last_token)
            if key in open_keys[-1]:
                words = _n("Line %(line)d, column %(column)d: the key %(key)s stands here twice.")
                _refuse(text, last_position, words, key=key)
            open_keys[-1].add(key)
        last_position, last_token = position, token


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    return ((match.start(), match.group()) for match in _TOKEN.finditer(text))


def _refuse(text: str, position: int, words: str, *, key: str = "") -> NoReturn:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise InvalidJson(words, line=line, column=column, limit=MAX_DEPTH, key=key)


def _syntax_refusal(text: str, error: json.JSONDecodeError) -> InvalidJson:
    before = text[: error.pos].rstrip()
    after = text[error.pos : error.pos + 1]
    if before.endswith(",") and after in ("}", "]"):
        comma = len(before) - 1
        line = text.count("\n", 0, comma) + 1
        return InvalidJson(_TRAILING_COMMA, line=line, column=comma - text.rfind("\n", 0, comma))
    return InvalidJson(_WORDS.get(error.msg, _OTHERWISE), line=error.lineno, column=error.colno)
