"""Sentences that the pure cores say and that the pages translate.

The cores (`pki`, `kube`) know nothing of Django, yet every visible text must be translatable. So a
core says a `Sentence`: an English template that `makemessages` finds through `gettext_noop`, and
the values that go into it. The web edge translates the template and puts the values in; a terminal
prints `str(sentence)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NOTHING: Mapping[str, object] = MappingProxyType({})


def gettext_noop(text: str) -> str:
    """Mark `text` for `makemessages` and return it unchanged."""
    return text


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """One sentence for a person: `text` is a %-template with named places, `params` fills them."""

    text: str
    params: Mapping[str, object] = field(default_factory=lambda: _NOTHING)

    def __str__(self) -> str:
        return self.text % self.params if self.params else self.text.replace("%%", "%")


class RefusedError(Exception):
    """Something a person asked for was refused. Root of the cores' error trees.

    `field` names the input that is wrong, in the input's own spelling (`hosts[3]`, `key.size`,
    `signing.default.expiry`), or is empty when no single field is to blame. `code` is stable and
    for programs; `str(error)` is for people.
    """

    code = "refused"

    def __init__(self, text: str, *, field: str = "", **params: object) -> None:
        self.sentence = Sentence(text=text, params=params)
        self.field = field
        super().__init__(str(self.sentence))
