"""One comparison of what is live with what we manage: its verdict, in words, and its mend."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from aggportal.doctor.evidence import Unread
from aggportal.doctor.findings import Remedy
from aggportal.kube.permissions import AccessRule
from aggportal.words import Sentence


class Kind(enum.StrEnum):
    """What is compared."""

    TRUST = "trust"
    BUNDLE = "bundle"
    SERVING = "serving"
    FLAGS = "flags"


class Stand(enum.StrEnum):
    """unknown and unmanaged are never the same: nothing was compared."""

    DIFFERS = "differs"
    UNKNOWN = "unknown"
    UNMANAGED = "unmanaged"
    SAME = "same"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that was compared.

    `what` says what it is, `place` where, as the cluster calls it. `said` holds every difference,
    or why nothing was compared; `rule` the permission that is missing. `subject` is the APIService
    that it is about, `certificate` the key of ours that ought to be there, `secret` the
    namespace/name of a Secret that ought to hold it.
    """

    kind: Kind
    stand: Stand
    what: Sentence
    place: str
    ours: tuple[Sentence, ...] = ()
    live: tuple[Sentence, ...] = ()
    said: tuple[Sentence, ...] = ()
    rule: AccessRule | None = None
    remedy: Remedy | None = None
    subject: str = ""
    certificate: str = ""
    secret: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """All rows, in the order of the page; and the Secrets that hold certificates or may, as
    (namespace, name).
    """

    rows: tuple[Row, ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a comparison came to: the part of a row that says so."""

    stand: Stand
    said: tuple[Sentence, ...] = ()
    rule: AccessRule | None = None


def judged(differences: tuple[Sentence, ...]) -> Judged:
    """Green without differences."""
    return Judged(stand=Stand.DIFFERS if differences else Stand.SAME, said=differences)


def unknown(why: Sentence | Unread) -> Judged:
    """Nothing was compared, and why."""
    if isinstance(why, Unread):
        return Judged(stand=Stand.UNKNOWN, said=(why.why,), rule=why.rule)
    return Judged(stand=Stand.UNKNOWN, said=(why,))


def unmanaged(why: Sentence) -> Judged:
    """There is nothing of ours to compare with, and why."""
    return Judged(stand=Stand.UNMANAGED, said=(why,))
