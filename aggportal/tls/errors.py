"""What can go wrong while looking at an endpoint, each with a sentence for a person."""

from __future__ import annotations

import enum

from aggportal.words import RefusedError


class TlsError(RefusedError):
    """Root of this core's errors."""

    code = "tls"


class InvalidTarget(TlsError):
    """What was typed names no endpoint."""

    code = "invalid-target"


class InvalidName(TlsError):
    """The name to check or to send is neither a DNS name nor an IP address."""

    code = "invalid-name"


class PortRefused(TlsError):
    """The portal does not connect to this port."""

    code = "port-refused"


class Reason(enum.StrEnum):
    """Why a handshake came to nothing."""

    NO_CONNECTION = "no-connection"
    SILENT = "silent"
    ENDED = "ended"
    ALERT = "alert"
    NOT_TLS = "not-tls"
    TOO_MUCH = "too-much"
    OUT_OF_TIME = "out-of-time"
    BROKEN = "broken"


class HandshakeFailed(TlsError):
    """No handshake; `reason` says in one word why."""

    code = "handshake-failed"

    def __init__(self, text: str, *, reason: Reason, **params: object) -> None:
        super().__init__(text, field="target", **params)
        self.reason = reason
