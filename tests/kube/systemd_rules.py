"""systemd's own rules for reading units and environment files, as far as we rely on them.

Written after systemd 252: `parse_env_file` (env-file.c), `extract_first_word` (extract-word.c),
specifiers (specifier.c) and `replace_env_argv` (env-util.c); systemd itself runs only as process 1.
"""

from __future__ import annotations

import re

_BLANKS = " \t\n\r"
_NEED_ESCAPE = '"\\$`'
_C_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}


def read_environment_file(text: str) -> dict[str, str]:
    """Read `NAME="value"` lines; only double-quoted values, which is all that we write."""
    values = {}
    for line in text.splitlines():
        name, _, rest = line.partition("=")
        assert rest.startswith('"'), line
        values[name] = _double_quoted(rest[1:])
    return values


def _double_quoted(rest: str) -> str:
    out, position = "", 0
    while rest[position] != '"':
        char = rest[position]
        if char == "\\":
            position += 1
            char = rest[position] if rest[position] in _NEED_ESCAPE else "\\" + rest[position]
        out += char
        position += 1
    assert rest[position + 1 :].strip(_BLANKS) == "", "text after the closing quote"
    return out


def split_words(text: str, *, c_escapes: bool) -> list[str]:
    """Split at blanks, take off quotes; a backslash makes a character literal, or a C escape."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    chars = iter(text)
    for char in chars:
        if char == "\\":
            word = (word or "") + _escaped(next(chars), c_escapes=c_escapes)
        elif quote:
            if char == quote:
                quote = ""
            else:
                word = (word or "") + char
        elif char in "\"'":
            quote, word = char, word or ""
        elif char in _BLANKS:
            words += [word] if word is not None else []
            word = None
        else:
            word = (word or "") + char
    assert not quote, "unbalanced quote"
    return words + ([word] if word is not None else [])


def _escaped(char: str, *, c_escapes: bool) -> str:
    if not c_escapes or char in "\"'\\":
        return char
    assert char in _C_ESCAPES, f"systemd refuses \\{char}"
    return _C_ESCAPES[char]


def read_exec_start(lines: str, *, environment: dict[str, str]) -> list[str]:
    """Return the arguments of an `ExecStart=` with continued `lines`."""
    joined = re.sub(r"\\\n", " ", lines)
    words = [_specifiers(word) for word in split_words(joined, c_escapes=True)]
    arguments: list[str] = []
    for word in words:
        if re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*", word):
            arguments += split_words(environment.get(word[1:], ""), c_escapes=False)
        else:
            arguments.append(_dollars(word, environment))
    return arguments


def _specifiers(word: str) -> str:
    def expand(match: re.Match[str]) -> str:
        assert match.group(1) == "%", f"specifier %{match.group(1)} would be expanded"
        return "%"

    return re.sub(r"%(.)", expand, word, flags=re.DOTALL)


def _dollars(word: str, environment: dict[str, str]) -> str:
    def expand(match: re.Match[str]) -> str:
        return "$" if match.group(0) == "$$" else environment.get(match.group(1), "")

    return re.sub(r"\$\$|\$\{([^}]*)\}", expand, word)
