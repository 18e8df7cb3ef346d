"""What a renderer gives: files to put in place, steps to apply them, steps to check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.words import Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One line for a POSIX shell, ready to be pasted."""

    line: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One numbered step: what to do and why, and the commands that do it, in order."""

    says: Sentence
    commands: tuple[Command, ...] = ()

    @property
    def script(self) -> str:
        """The commands, one per line, without a newline at the end; empty where there are none."""
        return "\n".join(command.line for command in self.commands)


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file. `key` is stable and unique over all ways, `path` its place on a master or empty."""

    key: str
    filename: str
    path: str
    body: str
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """One way of installing.

    `since` and `until` are the minor versions of Kubernetes 1.x that it fits, None is open.
    `refusal` says why this way cannot carry the values; `files` is empty then.
    """

    key: str
    title: Sentence
    summary: Sentence
    files: tuple[File, ...]
    apply_steps: tuple[Step, ...]
    check_steps: tuple[Step, ...]
    notes: tuple[Sentence, ...] = ()
    since: int | None = None
    until: int | None = None
    refusal: Sentence | None = None

    @property
    def filename(self) -> str:
        """Name of the first, principal file; empty where this way is refused."""
        return self.files[0].filename if self.files else ""

    @property
    def body(self) -> str:
        """Text of the first, principal file; empty where this way is refused."""
        return self.files[0].body if self.files else ""

    @property
    def language(self) -> str:
        """Language of the first, principal file (`sh`, `ini`, `yaml`)."""
        return self.files[0].language if self.files else ""

    def fits(self, minor: int | None) -> bool:
        """Say whether Kubernetes 1.`minor` knows this way; None is unknown, which all fit."""
        if minor is None:
            return True
        return (self.since is None or minor >= self.since) and (
            self.until is None or minor <= self.until
        )


Renderer = Callable[[FrontProxy], Rendered]


def command(line: str) -> tuple[Command, ...]:
    """Return `line` as the only command of a step."""
    return (Command(line=line),)


def commands(*lines: str) -> tuple[Command, ...]:
    """Return `lines` as the commands of a step, in order."""
    return tuple(Command(line=line) for line in lines)
