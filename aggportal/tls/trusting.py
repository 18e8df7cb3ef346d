"""Whether clients that trust our authorities can build and accept the chain that was served."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.paths import Path, find_paths, path_problems
from aggportal.tls.findings import Finding, Level, found
from aggportal.tls.served import Served
from aggportal.words import gettext_noop as _n

SERVING = "server auth"


def trust_findings(
    served: Served, *, known: Sequence[CertificateFacts], now: dt.datetime
) -> Iterator[Finding]:
    """Judge the way from the server's certificate to a root among `known`, our authorities."""
    if served.own is None:
        return
    read = [each.thing.facts for each in served.certificates if each.thing.facts is not None]
    way = _best(served.own, read, known, now=now)
    if way.is_good:
        text = _n("It chains to our root “%(root)s”: clients that trust it accept the chain.")
        yield found(Level.OK, text, root=way.root.subject)
    elif way.is_anchored:
        text = _n("It chains to our root “%(root)s”, yet clients that trust it refuse the chain:")
        yield found(Level.BAD, text, root=way.root.subject)
        yield from _told(way.problems, own=served.own, now=now)
    else:
        helped = _best(served.own, [*read, *known], known, now=now)
        if helped.is_anchored:
            yield _missing(helped, read)
            yield from _told(helped.problems, own=served.own, now=now)
        else:
            yield from _elsewhere(served.path, now=now)


def _best(
    own: CertificateFacts,
    between: Iterable[CertificateFacts],
    known: Iterable[CertificateFacts],
    *,
    now: dt.datetime,
) -> Path:
    return find_paths(
        own,
        intermediates=[facts for facts in between if not facts.self_signed],
        roots=[facts for facts in known if facts.self_signed],
        usage=SERVING,
        now=now,
    )[0]


def _told(
    problems: Iterable[PkiError], *, own: CertificateFacts, now: dt.datetime
) -> Iterator[Finding]:
    """Tell the problems of a path, save the dates of the server's own, which are told anyway."""
    dated = not own.not_before <= now <= own.not_after
    for problem in problems:
        about_dates = {"since", "until"} & set(problem.sentence.params)
        if not (dated and problem.field == "0" and about_dates):
            yield Finding(level=Level.BAD, sentence=problem.sentence)


def _missing(way: Path, read: Sequence[CertificateFacts]) -> Finding:
    absent = [facts for facts in way.certificates[:-1] if facts not in read]
    text = _n(
        "Missing from the chain: %(missing)s. A client that trusts the root “%(root)s” alone "
        "cannot build the way to it. Serve it behind the server's certificate."
    )
    names = ", ".join(f"“{facts.subject}”" for facts in absent)
    return found(Level.BAD, text, missing=names, root=way.root.subject)


def _elsewhere(path: Sequence[CertificateFacts], *, now: dt.datetime) -> Iterator[Finding]:
    """What is to be said of a chain that leads to none of our roots."""
    top = path[-1]
    if top.self_signed:
        text = _n("It leads to “%(top)s”, which is none of ours. Only who trusts that accepts it.")
        if len(path) == 1:
            text = _n("It is self-signed: trusted only where exactly it is installed.")
        yield found(Level.KNOW, text, top=top.subject)
    else:
        text = _n(
            "The chain ends at “%(top)s”, signed by “%(issuer)s”, which is none of ours. If that "
            "is a root that clients trust, all is well; if it is an intermediate, it is missing."
        )
        yield found(Level.KNOW, text, top=top.subject, issuer=top.issuer)
    yield from _told(path_problems(path, usage=SERVING, now=now), own=path[0], now=now)
