"""From the cores' sentences to a page's text: translated, and safe to look at."""

from __future__ import annotations

import unicodedata

from django.utils.translation import gettext

from aggportal.words import Sentence

# Cc control, Cf format (bidirectional overrides, zero-width), Cs surrogates, Co private use, Cn
# unassigned, Zl/Zp.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(value: object) -> str:
    """Return `value` as text in which every invisible or direction-changing character is spelled
    `\\u{202E}`.
    """
    text = str(value)
    # Everything hidden is unprintable to Python too, and this check is a hundred times quicker.
    if text.isprintable():
        return text
    return "".join(
        f"\\u{{{ord(char):04X}}}"
        if unicodedata.category(char) in _HIDDEN and char != "\n"
        else char
        for char in text
    )


def words(sentence: Sentence) -> str:
    """Translate `sentence` and put its values in, each made visible."""
    if not sentence.params:
        return gettext(sentence.text).replace("%%", "%")
    params = {name: _value(value) for name, value in sentence.params.items()}
    return gettext(sentence.text) % params


def _value(value: object) -> object:
    if isinstance(value, Sentence):
        return words(value)
    return value if isinstance(value, int | float) else visible(value)
