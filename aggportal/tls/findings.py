"""One thing that was found about an endpoint, and how grave it is."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from aggportal.words import Sentence


class Level(enum.StrEnum):
    """ok: as it should be · know: worth knowing · warn: some programs fail · bad: most do."""

    OK = "ok"
    KNOW = "know"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found, in a sentence."""

    level: Level
    sentence: Sentence


def found(level: Level, text: str, **params: object) -> Finding:
    """Make a finding; `text` is marked by its caller."""
    return Finding(level=level, sentence=Sentence(text=text, params=params))
