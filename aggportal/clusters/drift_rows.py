"""The rows of a comparison, as JSON and back.

Four hundred APIServices make thousands: what differs is kept row by row, the rest by what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aggportal.doctor.drift import Kind, Row, Stand
from aggportal.doctor.findings import Deed
from aggportal.kube.permissions import AccessRule
from aggportal.web.told import storable, tell, told
from aggportal.words import Sentence

MOST_PLACES = 12
MOST_DIFFERING = 300
_COMPARED = frozenset({Stand.SAME, Stand.DIFFERS})


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """`count` rows that say the same; the first places are named. See `doctor.drift.Row`."""

    kind: Kind
    stand: Stand
    what: Sentence | None
    places: tuple[str, ...]
    count: int
    ours: tuple[Sentence | None, ...]
    live: tuple[Sentence | None, ...]
    said: tuple[Sentence | None, ...]
    rule: AccessRule | None
    remedy: Sentence | None
    command: str
    deed: Deed | None
    subject: str
    certificate: str
    secret: str

    @property
    def more(self) -> int:
        """How many places are not named."""
        return max(self.count - len(self.places), 0)


def dump_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """JSON values of `rows`; of what differs the first `MOST_DIFFERING`."""
    kept: dict[object, dict[str, Any]] = {}
    differing = 0
    for number, row in enumerate(rows):
        key: object = _alike(row)
        if row.stand is Stand.DIFFERS:
            differing += 1
            key = number if differing <= MOST_DIFFERING else "rest"
        entry = kept.setdefault(key, _entry(row))
        entry["count"] += 1
        if len(entry["places"]) < MOST_PLACES:
            entry["places"].append(storable(row.place))
    return list(kept.values())


def load_rows(stored: Sequence[dict[str, Any]]) -> tuple[Compared, ...]:
    """What `dump_rows` kept."""
    return tuple(_compared(entry) for entry in stored)


def _alike(row: Row) -> tuple[object, ...]:
    about: tuple[object, ...] = (row.kind, row.stand, str(row.what), row.rule)
    if row.stand is Stand.SAME:
        return (*about, *map(str, row.ours), "", *map(str, row.live))
    return (*about, *map(str, row.said))


def _entry(row: Row) -> dict[str, Any]:
    rule, remedy = row.rule, row.remedy
    compared = row.stand in _COMPARED
    names = ("verb", "group", "resource", "path")
    return {
        "kind": str(row.kind),
        "stand": str(row.stand),
        "what": tell(row.what),
        "places": [],
        "count": 0,
        "ours": [tell(each) for each in row.ours] if compared else [],
        "live": [tell(each) for each in row.live] if compared else [],
        "said": [tell(each) for each in row.said],
        "rule": {name: storable(getattr(rule, name)) for name in names} if rule else None,
        "remedy": tell(remedy.sentence) if remedy else None,
        "command": str(storable(remedy.command)) if remedy else "",
        "deed": str(remedy.deed) if remedy and remedy.deed else "",
        "subject": storable(row.subject),
        "certificate": row.certificate,
        "secret": storable(row.secret),
    }


def _compared(entry: dict[str, Any]) -> Compared:
    return Compared(
        kind=Kind(entry["kind"]),
        stand=Stand(entry["stand"]),
        what=told(entry["what"]),
        places=tuple(entry["places"]),
        count=entry["count"],
        ours=tuple(told(each) for each in entry["ours"]),
        live=tuple(told(each) for each in entry["live"]),
        said=tuple(told(each) for each in entry["said"]),
        rule=AccessRule(**entry["rule"]) if entry["rule"] else None,
        remedy=told(entry["remedy"]),
        command=entry["command"],
        deed=Deed(entry["deed"]) if entry["deed"] else None,
        subject=entry["subject"],
        certificate=entry["certificate"],
        secret=entry["secret"],
    )
