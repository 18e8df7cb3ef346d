"""A connection to an address that was checked, bounded in time and bytes."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass
from typing import Protocol

from aggportal.kube.egress import open_checked
from aggportal.tls.errors import HandshakeFailed, Reason
from aggportal.words import gettext_noop as _n

CHUNK = 16_384


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Seconds to connect, for one handshake, to wait for an answer after it, and for everything;
    bytes that one connection may send us.
    """

    connect: float = 3.0
    handshake: float = 4.0
    quiet: float = 0.8
    total: float = 10.0
    size: int = 262_144


class Stream(Protocol):
    """What a connected socket offers, as far as it is used here."""

    def settimeout(self, seconds: float, /) -> None: ...
    def sendall(self, data: bytes, /) -> None: ...
    def recv(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class Line:
    """One connection. Everything that goes wrong with it is a `HandshakeFailed`."""

    def __init__(self, stream: Stream, *, limits: Limits, deadline: float) -> None:
        """`deadline` (monotonic seconds) ends everything that happens here."""
        self.limits = limits
        self.deadline = min(deadline, time.monotonic() + limits.handshake)
        self.received = bytearray()
        self._socket = stream

    def close(self) -> None:
        self._socket.close()

    def left(self) -> float:
        """Seconds that are left. Raises `HandshakeFailed` when none are."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise self._late()
        return seconds

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self.left())
        try:
            self._socket.sendall(data)
        except TimeoutError as late:
            raise self._late() from late
        except OSError as error:
            raise _ended() from error

    def receive(self, *, within: float | None = None) -> bytes:
        """The next bytes; `within` bounds this wait more narrowly (TimeoutError).

        Raises `HandshakeFailed` when the server ends the connection, or sends without end.
        """
        self._socket.settimeout(min(self.left(), within) if within else self.left())
        try:
            data = self._socket.recv(CHUNK)
        except TimeoutError as late:
            if within:
                raise
            raise self._late() from late
        except OSError as error:
            raise _ended() from error
        if not data:
            raise _ended()
        self.received += data
        if len(self.received) > self.limits.size:
            raise HandshakeFailed(
                _n("It sends more than %(limit)d bytes and no end; the portal stopped listening."),
                reason=Reason.TOO_MUCH,
                limit=self.limits.size,
            )
        return data

    def _late(self) -> HandshakeFailed:
        seconds = round(self.limits.handshake)
        if not self.received:
            text = _n("It accepts connections but says nothing within %(seconds)d s.")
        else:
            text = _n("It does not finish the handshake within %(seconds)d s.")
        return HandshakeFailed(text, reason=Reason.SILENT, seconds=seconds)


def connect(address: str, port: int, *, limits: Limits, deadline: float) -> Line:
    """Connect to a checked address within the same `deadline`. Raises `HandshakeFailed`."""
    began = time.monotonic()
    seconds = max(0.001, min(limits.connect, limits.handshake, deadline - began))
    try:
        stream = open_checked((address,), port, seconds=seconds)
    except TimeoutError as late:
        raise HandshakeFailed(
            _n("Nothing answered at %(address)s, port %(port)d, within %(seconds)d s."),
            reason=Reason.NO_CONNECTION,
            address=address,
            port=port,
            seconds=max(1, round(seconds)),
        ) from late
    except OSError as error:
        raise _no_connection(error, address, port) from error
    return Line(stream, limits=limits, deadline=min(deadline, began + limits.handshake))


def _ended() -> HandshakeFailed:
    text = _n("It ended the connection without a word of TLS.")
    return HandshakeFailed(text, reason=Reason.ENDED)


_CAUSES = {
    errno.ECONNREFUSED: _n("Nothing listens at %(address)s, port %(port)d: it was refused."),
    errno.EHOSTUNREACH: _n("There is no way to %(address)s from here."),
    errno.ENETUNREACH: _n("There is no way to %(address)s from here."),
}


def _no_connection(error: OSError, address: str, port: int) -> HandshakeFailed:
    text = _CAUSES.get(error.errno or 0, _n("No connection to %(address)s, port %(port)d."))
    return HandshakeFailed(text, reason=Reason.NO_CONNECTION, address=address, port=port)
