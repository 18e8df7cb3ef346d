"""Looking at an endpoint as a whole: a few handshakes, one after the other, within one deadline."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass

from aggportal.kube.egress import EgressPolicy, Resolve, resolve_permitted
from aggportal.kube.servers import Server
from aggportal.tls.connections import Limits
from aggportal.tls.errors import HandshakeFailed, Reason
from aggportal.tls.handshakes import Endpoint, Handshake, Version, shake_hands
from aggportal.tls.served import Served, read_served
from aggportal.tls.targets import Target, is_address
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

RESOLVE_SECONDS = 3.0
MAX_ADDRESSES = 3
USUAL_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked: where, whether what is served holds for `name` (a DNS name or an IP address),
    and which name to send (SNI, empty: none).
    """

    target: Target
    name: str
    server_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One version: whether the server speaks it (None: not found out), and how, or why not."""

    version: Version
    spoken: bool | None
    handshake: Handshake | None = None
    why: Sentence | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What was found at `address`. `handshake` is the one with everything on offer, or else that of
    the newest version spoken; `intolerant` says that everything on offer at once was refused.
    """

    question: Question
    address: str
    at: dt.datetime
    handshake: Handshake
    served: Served
    trials: tuple[Trial, ...]
    seconds: float
    intolerant: bool = False


def ask(target: Target, *, name: str = "", server_name: str | None = None) -> Question:
    """Fill in what was left open: the name to check is the host, the name to send the one to check.

    An IP address is never sent (RFC 6066 section 3). `server_name` "" sends none.
    """
    name = name or target.host
    if server_name is None:
        server_name = next((n for n in (name, target.host) if not is_address(n)), "")
    return Question(target=target, name=name, server_name=server_name)


def checked_addresses(
    target: Target, policy: EgressPolicy, *, resolve: Resolve | None = None
) -> tuple[str, ...]:
    """Resolve the host once; every answer must be permitted. Raises `kube.errors` EgressDenied,
    Unreachable, TimedOut.
    """
    server = Server(host=target.host, port=target.port)
    found = resolve_permitted(server, policy, deadline_seconds=RESOLVE_SECONDS, resolve=resolve)
    return found[:MAX_ADDRESSES]


def scan(
    question: Question,
    addresses: Sequence[str],
    *,
    now: dt.datetime,
    limits: Limits = USUAL_LIMITS,
) -> Scan:
    """Look at the first of the checked `addresses` that takes a connection.

    Raises `HandshakeFailed` when no handshake shows a certificate.
    """
    begun = time.monotonic()
    deadline = begun + limits.total
    endpoint, first, refused = _reach(question, addresses, limits=limits, deadline=deadline)
    trials = tuple(
        _try(version, endpoint, first, limits=limits, deadline=deadline) for version in Version
    )
    spoken = [trial.handshake for trial in trials if trial.handshake is not None]
    best = first or next(iter(reversed(spoken)), None)
    if best is None:
        raise refused or _out_of_time()
    return Scan(
        question=question,
        address=endpoint.address,
        at=now,
        handshake=best,
        served=read_served(best.chain, now=now),
        trials=trials,
        seconds=time.monotonic() - begun,
        intolerant=first is None,
    )


def _reach(
    question: Question, addresses: Sequence[str], *, limits: Limits, deadline: float
) -> tuple[Endpoint, Handshake | None, HandshakeFailed | None]:
    """Offer everything to one address after the other, until one takes the connection.

    A refusal in words of TLS, or an end without one, leaves the single versions to be tried.
    """
    failure: HandshakeFailed | None = None
    for address in addresses:
        endpoint = Endpoint(
            address=address, port=question.target.port, server_name=question.server_name
        )
        try:
            return endpoint, shake_hands(endpoint, limits=limits, deadline=deadline), None
        except HandshakeFailed as failed:
            if failed.reason in (Reason.ALERT, Reason.ENDED, Reason.BROKEN):
                return endpoint, None, failed
            failure = failure or failed
            if failed.reason is not Reason.NO_CONNECTION:
                break
    raise failure or _out_of_time()


def _try(
    version: Version,
    endpoint: Endpoint,
    first: Handshake | None,
    *,
    limits: Limits,
    deadline: float,
) -> Trial:
    """Try one version alone, unless the first handshake has shown it already."""
    if first is not None and first.version is version:
        return Trial(version=version, spoken=True, handshake=first)
    if time.monotonic() >= deadline:
        return Trial(version=version, spoken=None, why=_out_of_time().sentence)
    try:
        handshake = shake_hands(
            endpoint, lowest=version, highest=version, limits=limits, deadline=deadline
        )
    except HandshakeFailed as failed:
        unclear = failed.reason in (Reason.NO_CONNECTION, Reason.SILENT)
        return Trial(version=version, spoken=None if unclear else False, why=failed.sentence)
    return Trial(version=version, spoken=True, handshake=handshake)


def _out_of_time() -> HandshakeFailed:
    text = _n("The time for the whole scan was over.")
    return HandshakeFailed(text, reason=Reason.OUT_OF_TIME)
