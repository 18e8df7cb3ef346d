"""RE2's syntax, as far as `name_whitelist` needs it, read into a small tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MAX_REPEAT = 1000
MAX_DEPTH = 30


class PatternError(ValueError):
    """The text is no expression that we read; says why."""


@dataclass(frozen=True, slots=True)
class Character:
    """One character for which `matches` is true."""

    matches: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Assertion:
    """A position: start, end, word, not word."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """All parts, one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Any one of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    """The part `least` to `most` times; `most` None is without end."""

    part: Node
    least: int
    most: int | None


Node = Character | Assertion | Sequence | Alternatives | Repetition

_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": lambda c: "0" <= c <= "9",
    "s": lambda c: c in "\t\n\f\r ",
    "w": lambda c: c == "_" or (c.isascii() and c.isalnum()),
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_ASSERTIONS = {"A": "start", "z": "end", "b": "word", "B": "not word"}
_STARS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse_pattern(pattern: str) -> Node:
    """Read an expression. Raises `PatternError`."""
    reader = _PatternReader(pattern)
    node = reader.alternatives(0)
    if reader.rest():
        raise PatternError("a closing bracket has no opening one")
    return node


class _PatternReader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0

    def rest(self) -> str:
        return self.pattern[self.position :]

    def take(self) -> str:
        if self.position >= len(self.pattern):
            raise PatternError("it ends too early")
        self.position += 1
        return self.pattern[self.position - 1]

    def skip(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.position)
        self.position += len(text) if found else 0
        return found

    def alternatives(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise PatternError("it is nested too deep")
        parts = [self.sequence(depth)]
        while self.skip("|"):
            parts.append(self.sequence(depth))
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.rest() and self.rest()[0] not in "|)":
            parts.append(self.repetition(depth))
        return Sequence(tuple(parts))

    def repetition(self, depth: int) -> Node:
        node = self.atom(depth)
        bounds = self.bounds()
        if bounds is None:
            return node
        self.skip("?")  # lazy or greedy makes no difference to whether it matches
        if self.bounds() is not None:
            raise PatternError("a repetition is itself repeated")
        return Repetition(node, *bounds)

    def bounds(self) -> tuple[int, int | None] | None:
        if self.rest()[:1] in _STARS and self.rest():
            return _STARS[self.take()]
        counts, closed, _ = self.rest().partition("}")
        least, comma, most = counts[1:].partition(",")
        if (
            not counts.startswith("{")
            or not closed
            or not _is_count(least)
            or not (most == "" or _is_count(most))
        ):
            return None
        self.position += len(counts) + 1
        low, high = int(least), (int(most) if most else None) if comma else int(least)
        if low > MAX_REPEAT or (high is not None and not low <= high <= MAX_REPEAT):
            raise PatternError("a repetition count is out of range")
        return low, high

    def atom(self, depth: int) -> Node:
        character = self.take()
        match character:
            case "(":
                return self.group(depth)
            case "[":
                return self.bracket()
            case ".":
                return Character(lambda c: c != "\n")
            case "^" | "$":
                return Assertion("start" if character == "^" else "end")
            case "\\":
                return self.escape()
            case "*" | "+" | "?":
                raise PatternError("there is nothing to repeat")
        return Character(lambda c: c == character)

    def group(self, depth: int) -> Node:
        if self.skip("?P<") or self.skip("?<"):
            name, closed, _ = self.rest().partition(">")
            if not closed or not name.isidentifier():
                raise PatternError("a group is not well formed")
            self.position += len(name) + 1
        elif self.rest().startswith("?") and not self.skip("?:"):
            raise PatternError("this kind of group is not supported")
        node = self.alternatives(depth + 1)
        if not self.skip(")"):
            raise PatternError("a bracket is never closed")
        return node

    def escape(self) -> Node:
        letter = self.take()
        if letter in _ASSERTIONS:
            return Assertion(_ASSERTIONS[letter])
        return Character(_escaped(letter))

    def bracket(self) -> Node:
        negated = self.skip("^")
        tests: list[Callable[[str], bool]] = []
        while not tests or not self.skip("]"):
            tests.append(self.member())
        return Character(lambda c: any(test(c) for test in tests) != negated)

    def member(self) -> Callable[[str], bool]:
        low = self.take()
        if low == "[" and self.rest().startswith(":"):
            raise PatternError("named classes are not supported")
        if low == "\\":
            letter = self.take()
            if letter.lower() in _CLASSES:
                return _escaped(letter)
            low = _literal(letter)
        if not self.rest().startswith("-") or self.rest()[1:2] in ("]", ""):
            return lambda c: c == low
        self.take()
        high = self.take()
        high = _literal(self.take()) if high == "\\" else high
        if high < low:
            raise PatternError("a range runs backwards")
        return lambda c: low <= c <= high


def _escaped(letter: str) -> Callable[[str], bool]:
    if letter in _CLASSES:
        return _CLASSES[letter]
    if letter.lower() in _CLASSES:
        inner = _CLASSES[letter.lower()]
        return lambda c: not inner(c)
    literal = _literal(letter)
    return lambda c: c == literal


def _literal(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isalnum() or not letter.isascii():
        raise PatternError("an escape is not supported")
    return letter


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
