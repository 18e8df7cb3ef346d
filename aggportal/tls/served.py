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

from aggportal.pki.bundles import find_issuer
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.inspected import Inspection, Thing
from aggportal.pki.things import inspect_certificate
from aggportal.tls.findings import Finding, Level, found
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


class Place(enum.StrEnum):
    """What a served certificate is to the ones before it."""

    OWN = "own"
    ISSUER = "issuer"
    ROOT = "root"
    LATE = "late"
    DOUBLE = "double"
    STRANGER = "stranger"
    UNREAD = "unread"


PLACE_WORDS: dict[Place, Sentence] = {
    Place.OWN: Sentence(text=_n("the server's own")),
    Place.ISSUER: Sentence(text=_n("issued the one before")),
    Place.ROOT: Sentence(text=_n("a root, which nobody needs to be sent")),
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
        return self.place not in (Place.OWN, Place.ISSUER, Place.ROOT)


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
    path = _path(things)
    rows = []
    for at, thing in enumerate(things):
        earlier = {_digest(der) for der in chain[:at]}
        place = Place.DOUBLE if _digest(chain[at]) in earlier else _place(at, things, path)
        rows.append(ServedCertificate(number=at + 1, thing=thing, place=place))
    return Served(certificates=tuple(rows), path=path)


def _source(at: int) -> Sentence:
    return Sentence(text=_n("served as number %(number)d"), params={"number": at + 1})


def _digest(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _path(things: Sequence[Thing]) -> tuple[CertificateFacts, ...]:
    if not things or things[0].facts is None:
        return ()
    among = [thing.facts for thing in things if thing.facts is not None]
    path = [things[0].facts]
    while (issuer := find_issuer(path[-1], among)) is not None:
        if issuer.sha256 in {step.sha256 for step in path}:
            break
        path.append(issuer)
    return tuple(path)


def _place(at: int, things: Sequence[Thing], path: Sequence[CertificateFacts]) -> Place:
    facts = things[at].facts
    if facts is None:
        return Place.UNREAD
    if at == 0:
        return Place.OWN
    steps = [step.sha256 for step in path]
    if facts.sha256 not in steps:
        return Place.STRANGER
    served = dict.fromkeys(t.facts.sha256 for t in things[:at] if t.facts is not None)
    rank = sum(digest in steps for digest in served)  # strangers and doubles do not count
    if facts.sha256 != steps[rank]:
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


def end_findings(
    path: Sequence[CertificateFacts], known: Sequence[CertificateFacts]
) -> Iterator[Finding]:
    """Say whether something is missing above `path`; `known` are authorities that we hold."""
    if not path:
        return
    top = path[-1]
    if top.self_signed:
        if len(path) == 1 and not top.is_ca:
            text = _n("It is self-signed: it is trusted only where exactly it is installed.")
            yield found(Level.KNOW, text)
        return
    issuer = find_issuer(top, known)
    if issuer is None:
        text = _n(
            "The chain ends at “%(top)s”. Who connects must know its issuer “%(issuer)s”: right if "
            "that is a root that they trust; if it is an intermediate, it is missing here."
        )
        yield found(Level.KNOW, text, top=top.subject, issuer=top.issuer)
    elif issuer.self_signed:
        text = _n("Above it stands the root “%(root)s”, which is rightly not sent.")
        yield found(Level.OK, text, root=issuer.subject)
    else:
        text = _n(
            "The intermediate “%(issuer)s” is missing: it is not a root, so clients that trust "
            "its root alone cannot build the chain. Serve it behind “%(top)s”."
        )
        yield found(Level.BAD, text, top=top.subject, issuer=issuer.subject)
