"""`name_whitelist`: an RE2 expression, searched anywhere in a name, in time linear in the name's
length.

Python's own `re` backtracks, so that an administrator's `(a+)+$` would let a requester stop the
process. Here the expression becomes a nondeterministic automaton that is walked once (Thompson
1968), as RE2 does. Supported is RE2's syntax without Unicode classes, \\Q…\\E and flags other than
a leading (?i).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aggportal.pki.errors import InvalidField
from aggportal.pki.whitelistsyntax import (
    Alternatives,
    Assertion,
    Character,
    Node,
    PatternError,
    Repetition,
    Sequence,
    parse_pattern,
)
from aggportal.words import gettext_noop as _n

MAX_PATTERN = 512
MAX_STATES = 600
MAX_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class _State:
    """One state: consumes a character, asserts a position, or leads on freely; no `then` is the
    end.
    """

    then: tuple[int, ...]
    consumes: Callable[[str], bool] | None = None
    asserts: str = ""


class Whitelist:
    """A compiled expression."""

    def __init__(self, states: list[_State], *, fold: bool) -> None:
        self._states = states
        self._fold = fold

    def matches(self, name: str) -> bool:
        """Tell whether the expression matches anywhere in `name`."""
        current: set[int] = set()
        for position in range(len(name) + 1):
            current = self._closure(current | {0}, name, position)
            if any(not self._states[s].then for s in current):
                return True
            if position < len(name):
                current = {t for s in current for t in self._step(s, name[position])}
        return False

    def _step(self, state: int, character: str) -> tuple[int, ...]:
        consumes = self._states[state].consumes
        if consumes is None:
            return ()
        fits = consumes(character) or (self._fold and consumes(character.swapcase()))
        return self._states[state].then if fits else ()

    def _closure(self, start: set[int], text: str, position: int) -> set[int]:
        seen: set[int] = set()
        todo = list(start)
        while todo:
            number = todo.pop()
            if number in seen:
                continue
            seen.add(number)
            state = self._states[number]
            if state.consumes is None and _holds(state.asserts, text, position):
                todo.extend(state.then)
        return seen


def compile_whitelist(pattern: str, *, field: str = "name_whitelist") -> Whitelist:
    """Compile an expression. Raises `InvalidField` when it is no RE2 expression, or too large."""
    if len(pattern) > MAX_PATTERN:
        words = _n("This expression is longer than %(limit)d characters.")
        raise InvalidField(words, field=field, limit=MAX_PATTERN)
    fold = pattern.startswith("(?i)")
    try:
        tree = parse_pattern(pattern.removeprefix("(?i)"))
        states = _Builder().build(tree)
    except PatternError as error:
        words = _n("This is not a regular expression that we can check (RE2 syntax): %(reason)s.")
        raise InvalidField(words, field=field, reason=str(error)) from error
    return Whitelist(states, fold=fold)


def _holds(assertion: str, text: str, position: int) -> bool:
    match assertion:
        case "start":
            return position == 0
        case "end":
            return position == len(text)
        case "word" | "not word":
            before = position > 0 and _is_word(text[position - 1])
            after = position < len(text) and _is_word(text[position])
            return (before != after) == (assertion == "word")
    return True


def _is_word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())


class _Builder:
    """Builds states from back to front: each node is told the state that follows it."""

    def __init__(self) -> None:
        self.states: list[_State] = []
        self.steps = 0

    def build(self, tree: Node) -> list[_State]:
        start = self.add(tree, self.new(_State(then=())))
        # The walk starts at state 0: put a free transition there and move the rest up by one.
        moved = [_State(tuple(t + 1 for t in s.then), s.consumes, s.asserts) for s in self.states]
        return [_State(then=(start + 1,)), *moved]

    def new(self, state: _State) -> int:
        if len(self.states) >= MAX_STATES:
            raise PatternError("it is too large")
        self.states.append(state)
        return len(self.states) - 1

    def add(self, node: Node, then: int) -> int:
        self.steps += 1
        if self.steps > MAX_STEPS:  # repeated repetitions of nothing make no states
            raise PatternError("it is too large")
        match node:
            case Character():
                return self.new(_State(then=(then,), consumes=node.matches))
            case Assertion():
                return self.new(_State(then=(then,), asserts=node.kind))
            case Sequence():
                for part in reversed(node.parts):
                    then = self.add(part, then)
                return then
            case Alternatives():
                return self.new(_State(then=tuple(self.add(part, then) for part in node.parts)))
            case Repetition():
                return self.repeat(node, then)

    def repeat(self, node: Repetition, then: int) -> int:
        if node.most is None:
            loop = self.new(_State(then=(then,)))
            body = self.add(node.part, loop)
            self.states[loop] = _State(then=(body, then))
            then = loop
        else:
            end = then
            for _ in range(node.most - node.least):
                then = self.new(_State(then=(self.add(node.part, then), end)))
        for _ in range(node.least):
            then = self.add(node.part, then)
        return then
