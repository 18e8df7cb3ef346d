"""What the door to an API server gives and takes: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aggportal.words import Sentence

MAX_PREFIX = 4_096

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds: to connect, for one exchange as a whole, for one page of a list."""

    connect: float = 3.0
    total: float = 10.0
    listing: float = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RawAnswer:
    """Any answer, whatever its status: as much of the body as was asked for, our token out."""

    status: int
    text: str

    def require_known(self) -> None:
        """Raise Unauthorized where the server no longer accepts our credentials (401)."""
        if self.status == 401:
            from aggportal.kube.failures import from_status

            raise from_status({}, status=self.status, body=self.text.encode())


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """How to ask for a raw answer: query, seconds as a whole, bytes of the body, Accept header."""

    params: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    limit: int = MAX_PREFIX
    accept: str = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """All items of a collection and the version to watch from."""

    items: tuple[Json, ...]
    resource_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """What `/version` says; `git_version` as in v1.31.2."""

    git_version: str
    major: str
    minor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who the API server takes us for; `username` is empty when it cannot say, and `note` why."""

    username: str
    groups: tuple[str, ...] = ()
    note: Sentence | None = None
