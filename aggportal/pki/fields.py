"""Reading a JSON object field by field: every problem is remembered with its path, none stops the
reading.

Keys match as Go's encoding/json matches them: exactly, else regardless of case; `null` is the same
as absent.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping

from aggportal.pki.errors import InvalidField, PkiError
from aggportal.words import gettext_noop as _n

_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def unseen_characters(text: str) -> tuple[str, ...]:
    """Return the control, bidirectional, zero-width and lone surrogate characters in `text` as
    `U+202E`, once each.
    """
    if text.isascii() and text.isprintable():
        return ()
    found = (c for c in text if unicodedata.category(c) in _UNSEEN)
    return tuple(dict.fromkeys(f"U+{ord(c):04X}" for c in found))


def text_problem(text: str, *, field: str) -> InvalidField | None:
    """Tell what is wrong with a text that would enter a certificate, if anything."""
    unseen = unseen_characters(text)
    if unseen:
        words = _n("This contains characters that cannot be seen (%(characters)s); remove them.")
        return InvalidField(words, field=field, characters=", ".join(unseen[:5]))
    return None


class Reader:
    """One JSON object under `path`. Values of a wrong type are remembered in `problems` and read as
    absent.
    """

    def __init__(
        self, document: Mapping[str, object], *, path: str, problems: list[PkiError]
    ) -> None:
        self.document = document
        self.path = path
        self.problems = problems
        self._asked: set[str] = set()

    def at(self, key: str) -> str:
        """Return the full path of `key`."""
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, words: str, **params: object) -> None:
        """Remember a problem with `key`."""
        self.problems.append(InvalidField(words, field=self.at(key), **params))

    def key_of(self, key: str) -> str | None:
        """Return the document's own spelling of `key`, or None when it is absent."""
        if key in self.document:
            return key
        return next((k for k in self.document if k.casefold() == key.casefold()), None)

    def value(self, key: str) -> object:
        """Return the raw value of `key`, None when absent."""
        spelling = self.key_of(key)
        if spelling is None:
            return None
        self._asked.add(spelling)
        return self.document[spelling]

    def text(self, key: str) -> str:
        """Return a text; empty when absent."""
        return self._text(self.value(key), self.at(key))

    def texts(self, key: str, *, limit: int = 1000) -> tuple[str, ...]:
        """Return a list of texts; empty when absent, or when it is longer than `limit`."""
        items = self._items(key, limit)
        return tuple(self._text(item, f"{self.at(key)}[{i}]") for i, item in enumerate(items))

    def integer(self, key: str) -> int:
        """Return an integer; 0 when absent."""
        value = self.value(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value or 0
        self.refuse(key, _n("This must be a whole number without quotes."))
        return 0

    def boolean(self, key: str) -> bool:
        """Return true or false; false when absent."""
        value = self.value(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.refuse(key, _n("This must be true or false, without quotes."))
        return False

    def inner(self, key: str) -> Reader | None:
        """Return a reader of the object under `key`; None when absent."""
        value = self.value(key)
        return None if value is None else self._inner(value, self.at(key))

    def inners(self, key: str, *, limit: int = 100) -> Iterator[Reader]:
        """Return a reader for each object in the list under `key`."""
        for i, item in enumerate(self._items(key, limit)):
            reader = self._inner(item, f"{self.at(key)}[{i}]")
            if reader is not None:
                yield reader

    def unknown(self) -> tuple[str, ...]:
        """Return the paths of the keys that nobody asked for, and complain of keys that differ by
        case only.
        """
        asked = {key.casefold() for key in self._asked}
        counts = Counter(key.casefold() for key in self.document)
        for key in self.document:
            if counts[key.casefold()] > 1 and key.casefold() in asked:
                self.refuse(key, _n("This key stands twice, in different upper and lower case."))
        return tuple(self.at(key) for key in self.document if key not in self._asked)

    def _items(self, key: str, limit: int) -> list[object]:
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(key, _n("This must be a list: [ … ]."))
            return []
        if len(value) > limit:
            words = _n("%(count)d entries are too many; at most %(limit)d are accepted.")
            self.refuse(key, words, count=len(value), limit=limit)
            return []
        return value

    def _inner(self, value: object, path: str) -> Reader | None:
        if isinstance(value, dict):
            return Reader(value, path=path, problems=self.problems)
        self.problems.append(InvalidField(_n("This must be an object: { … }."), field=path))
        return None

    def _text(self, value: object, path: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self.problems.append(
                InvalidField(_n("This must be a text in double quotes."), field=path)
            )
            return ""
        problem = text_problem(value, field=path)
        if problem:
            self.problems.append(problem)
            return ""
        return value
