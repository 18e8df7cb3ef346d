"""The chain as it was served: every certificate in its place, and what is wrong with the places.

The first is the server's own, whatever stands behind it (RFC 8446 section 4.4.2, RFC 5246 section
7.4.2); its key made the handshake. From it the path goes up by signatures, never by names.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aggportal.pki.facts import CertificateFacts
from aggportal.pki.inspected import Inspection, Thing
from aggportal.pki.paths import Path, find_paths
from aggportal.pki.things import inspect_certificate
from aggportal.tls.findings import Finding, Level, found
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


class Place(enum.StrEnum):
    """What a served certificate is to the ones before it."""

    OWN = "own"
    ISSUER = "issuer"
    ROOT = "root"
    SIDEWAYS = "sideways"
    LATE = "late"
    DOUBLE = "double"
    STRANGER = "stranger"
    UNREAD = "unread"


PLACE_WORDS: dict[Place, Sentence] = {
    Place.OWN: Sentence(text=_n("the server's own")),
    Place.ISSUER: Sentence(text=_n("issued the one before")),
    Place.ROOT: Sentence(text=_n("a root, which nobody needs to be sent")),
    Place.SIDEWAYS: Sentence(text=_n("leads another way up")),
    Place.LATE: Sentence(text=_n("belongs to the chain, but stands in the wrong place")),
    Place.DOUBLE: Sentence(text=_n("sent twice")),
    Place.STRANGER: Sentence(text=_n("does not belong to the chain")),
    Place.UNREAD: Sentence(text=_n("cannot be read")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedCertificate:
    """One certificate as served; `number` counts from 1."""

    number: int
    thing: Thing
    place: Place

    @property
    def place_words(self) -> Sentence:
        return PLACE_WORDS[self.place]

    @property
    def is_fault(self) -> bool:
        """Whether it should not stand there."""
        return self.place not in (Place.OWN, Place.ISSUER, Place.ROOT, Place.SIDEWAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """All that was served, in served order; `path` leads from the server's own certificate up to
    the highest issuer that was served, and is empty when the first cannot be read.
    """

    certificates: tuple[ServedCertificate, ...]
    path: tuple[CertificateFacts, ...]

    @property
    def own(self) -> CertificateFacts | None:
        """The server's own certificate, None when it cannot be read."""
        return self.path[0] if self.path else None

    @property
    def inspection(self) -> Inspection:
        """The same as `pki.inspecting` tells it."""
        return Inspection(things=tuple(each.thing for each in self.certificates))

    @property
    def pem(self) -> str:
        """What could be read, in served order."""
        return "".join(each.thing.pem for each in self.certificates)


def read_served(chain: Sequence[bytes], *, now: dt.datetime) -> Served:
    """Explain every certificate (DER) of `chain`, and find the path through it."""
    things = [inspect_certificate(der, source=_source(n), now=now) for n, der in enumerate(chain)]
    ways = _ways(things, now)
    rows = []
    for at, thing in enumerate(things):
        earlier = {_digest(der) for der in chain[:at]}
        place = Place.DOUBLE if _digest(chain[at]) in earlier else _place(at, things, ways)
        rows.append(ServedCertificate(number=at + 1, thing=thing, place=place))
    return Served(certificates=tuple(rows), path=ways[0].certificates if ways else ())


def _source(at: int) -> Sentence:
    return Sentence(text=_n("served as number %(number)d"), params={"number": at + 1})


def _digest(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _ways(things: Sequence[Thing], now: dt.datetime) -> tuple[Path, ...]:
    """Every way up from the first through the others; the best comes first."""
    read = [thing.facts for thing in things if thing.facts is not None]
    if not things or things[0].facts is None:
        return ()
    return find_paths(
        things[0].facts,
        intermediates=[facts for facts in read if not facts.self_signed],
        roots=[facts for facts in read if facts.self_signed],
        now=now,
    )


def _place(at: int, things: Sequence[Thing], ways: Sequence[Path]) -> Place:
    facts = things[at].facts
    if facts is None:
        return Place.UNREAD
    if at == 0:
        return Place.OWN
    if not any(facts in way.certificates for way in ways):
        return Place.STRANGER
    steps = ways[0].certificates
    if facts not in steps:
        return Place.SIDEWAYS
    served = dict.fromkeys(thing.facts.sha256 for thing in things[:at] if thing.facts)
    rank = sum(step.sha256 in served for step in steps)  # strangers and doubles do not count
    if facts != steps[rank]:
        return Place.LATE
    return Place.ROOT if facts.self_signed else Place.ISSUER


def place_findings(served: Served) -> Iterator[Finding]:
    """Say what is wrong with the order, and which certificates do not belong there."""
    numbers = {
        place: [each.number for each in served.certificates if each.place is place]
        for place in Place
    }
    for place, (level, text) in _FAULTS.items():
        if numbers[place]:
            listed = ", ".join(str(number) for number in numbers[place])
            yield found(level, text, numbers=listed)
    if not any(each.is_fault for each in served.certificates):
        text = _n("The chain is in order: %(count)d served, each issued the one before it.")
        if len(served.certificates) == 1:
            text = _n("One certificate is served.")
        yield found(Level.OK, text, count=len(served.certificates))


_FAULTS = {
    Place.UNREAD: (Level.BAD, _n("Number %(numbers)s of the chain cannot be read.")),
    Place.LATE: (
        Level.WARN,
        _n(
            "The order is wrong: number %(numbers)s did not issue the one before it. Programs that "
            "do not sort (TLS 1.2 lets them refuse it) fail. Put the server's own certificate "
            "first, then its issuer, and so on."
        ),
    ),
    Place.DOUBLE: (Level.KNOW, _n("Number %(numbers)s is sent twice; once is enough.")),
    Place.STRANGER: (
        Level.WARN,
        _n(
            "Number %(numbers)s does not belong to the chain: it signed none of it. Take it out "
            "of the server's certificate file."
        ),
    ),
    Place.ROOT: (
        Level.KNOW,
        _n("Number %(numbers)s is a root. Clients trust their own copy of it, or not at all."),
    ),
}
