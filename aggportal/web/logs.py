"""What a log must not tell, whoever writes to it: the last line of defence.

Nothing of the portal logs a secret on purpose. A fault's traceback, or a library, may.
"""

from __future__ import annotations

import logging
import re
import unicodedata

HIDDEN = "[hidden]"
_KEY_WORDS = r"(?:[A-Z0-9 ]{0,40} )?PRIVATE KEY(?: BLOCK)?"
# The block may be cut off, and its lines may be joined by an escaped line feed.
_PRIVATE_KEY = re.compile(
    rf"-----BEGIN {_KEY_WORDS}-----.*?(?:-----END {_KEY_WORDS}-----|\Z)", re.DOTALL
)
_BEARER = re.compile(r"(?i)\b(Bearer|Basic)(\s+|%20)[A-Za-z0-9._~+/=-]{8,}")
# A JSON Web Token, as a ServiceAccount has one, wherever it stands.
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?")
_WEBHOOK_SECRET = re.compile(r"\bwhsec_[A-Za-z0-9+/=]{8,}")
_BREAKS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def masked(text: str) -> str:
    """Return `text` with private keys in PEM, bearer tokens and their like taken out."""
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    return _WEBHOOK_SECRET.sub(HIDDEN, _JWT.sub(HIDDEN, text))


def on_one_line(text: str) -> str:
    """Return `text` with what ends a line, or turns it, spelled out as in Python's source."""
    if text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _BREAKS else char
        for char in text
    )


class SafeLines(logging.Formatter):
    """One record is one line; the lines of a traceback are indented, so that none of them can be
    taken for a record.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        return on_one_line(masked(super().formatMessage(record)))

    def formatException(self, ei: object) -> str:  # noqa: N802  # logging's name
        return _indented(super().formatException(ei))  # type: ignore[arg-type]  # what logging gives

    def formatStack(self, stack_info: str) -> str:  # noqa: N802  # logging's name
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    lines = masked(text).split("\n")
    return "\n".join("  " + on_one_line(line) for line in lines)
