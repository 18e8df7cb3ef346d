"""A port of a pod through kube-apiserver: the websocket `pods/portforward`.

The one door's rules hold: a checked address, verified TLS, a deadline over everything and a limit
of bytes. Whoever may do this reaches every port of every pod in the namespaces where the account is
bound, so it is done only where an administrator chose it. Imported late, since ssl is heavy.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketException,
    WebSocketTimeoutException,
)

from aggportal.kube import failures
from aggportal.kube.bodies import MAX_ERROR_BODY, start_timer
from aggportal.kube.connections import Connection
from aggportal.kube.door import MAX_ADDRESSES, USER_AGENT, secret_of
from aggportal.kube.egress import EgressPolicy, Resolve, open_checked, resolve_permitted
from aggportal.kube.errors import KubeError
from aggportal.kube.places import PodPort
from aggportal.kube.servers import Server, parse_server
from aggportal.kube.wire import Exchange, make_tls_context

PROTOCOL = "v4.channel.k8s.io"
MAX_TROUBLE = 2_000
# What one forward may send us, TLS records and headers included.
MAX_RECEIVED = 400_000
_DATA, _ERROR = 0, 1
_PORT_BYTES = 2
_FAILED = (WebSocketException, OSError, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Approach:
    """How kube-apiserver is reached, and the seconds for everything that is done there."""

    connection: Connection
    egress: EgressPolicy
    resolve: Resolve | None
    connect_seconds: float
    seconds: float


class Forward:
    """The pod's port, as a socket has it: `recv` gives nothing at its end.

    `trouble` is what the kubelet said of a connection that it could not make.
    """

    def __init__(self, web: WebSocket, exchange: Exchange, *, seconds: float) -> None:
        self.trouble = ""
        self._web = web
        self._exchange = exchange
        self._timer = start_timer(seconds, exchange)
        self._ports_to_come = {_DATA: _PORT_BYTES, _ERROR: _PORT_BYTES}

    def close(self) -> None:
        """End it at once; nobody waits for a goodbye."""
        self._timer.cancel()
        self._web.shutdown()  # type: ignore[no-untyped-call] # the library's

    def settimeout(self, seconds: float) -> None:
        self._web.settimeout(seconds)

    def sendall(self, data: bytes) -> None:
        """Send to the port. Raises OSError."""
        try:
            self._web.send(bytes([_DATA]) + data, opcode=ABNF.OPCODE_BINARY)
        except _FAILED as error:
            raise _as_oserror(error) from error

    def recv(self, _size: int) -> bytes:
        """The next bytes from the port; they come in frames. Raises TimeoutError or OSError."""
        while True:
            try:
                opcode, frame = self._web.recv_data()
            except _FAILED as error:
                raise _as_oserror(error) from error
            if opcode == ABNF.OPCODE_CLOSE:
                return b""
            channel, data = self._taken_apart(frame)
            if channel == _ERROR and data:
                told = data.decode("utf-8", "replace").strip()
                self.trouble = f"{self.trouble} {told}".strip()[:MAX_TROUBLE]
                return b""
            if channel == _DATA and data:
                return data

    def _taken_apart(self, frame: bytes) -> tuple[int | None, bytes]:
        """Channel and payload: each channel begins with the number of its port."""
        if not frame:
            return None, b""
        channel, data = frame[0], frame[1:]
        skipped = min(self._ports_to_come.get(channel, 0), len(data))
        if skipped:
            self._ports_to_come[channel] -= skipped
        return channel, data[skipped:]


def open_forward(approach: Approach, place: PodPort) -> Forward:
    """Reach the port. Raises KubeError: PermissionDenied, where the account may not."""
    server = parse_server(approach.connection.server)
    path = place.path
    addresses = resolve_permitted(
        server,
        approach.egress,
        deadline_seconds=min(approach.connect_seconds, approach.seconds),
        resolve=approach.resolve,
    )
    wire = _connected(approach, server, addresses[:MAX_ADDRESSES])
    exchange = Exchange()
    exchange.attach(wire)
    timer = start_timer(approach.seconds, exchange)
    try:
        web = _upgraded(approach, server, wire, path)
    except BaseException:
        wire.close()
        raise
    finally:
        timer.cancel()
    return Forward(web, exchange, seconds=approach.seconds)


class _Counted(ssl.SSLSocket):
    """Gives no more than `MAX_RECEIVED` bytes, whatever length a frame or a header claims."""

    received = 0

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        data = super().recv(buflen, flags)
        self.received += len(data)
        if self.received > MAX_RECEIVED:
            raise OSError("more bytes than are listened to")
        return data


def _connected(approach: Approach, server: Server, addresses: tuple[str, ...]) -> ssl.SSLSocket:
    """A verified TLS connection to the first address that lets us connect."""
    context = make_tls_context(approach.connection)
    context.sslsocket_class = _Counted
    name = approach.connection.tls_server_name or server.host
    try:
        plain = open_checked(addresses, server.port, seconds=approach.connect_seconds)
    except OSError as error:
        raise _failure(error, approach, server) from error
    try:
        plain.settimeout(approach.seconds)
        return context.wrap_socket(plain, server_hostname=name)
    except (OSError, ValueError) as error:
        plain.close()
        raise _failure(error, approach, server) from error


def _upgraded(approach: Approach, server: Server, wire: ssl.SSLSocket, path: str) -> WebSocket:
    secret = secret_of(approach.connection)
    headers = [f"User-Agent: {USER_AGENT}"]
    if secret is not None:
        headers.append(f"Authorization: Bearer {secret}")
    web = WebSocket(enable_multithread=False, skip_utf8_validation=True)
    options: dict[str, Any] = {"socket": wire, "redirect_limit": 0, "suppress_origin": True}
    try:
        web.connect(  # type: ignore[no-untyped-call] # the library's
            f"wss://{server.authority}{server.path}{path}",
            header=headers,
            host=server.authority,
            subprotocols=[PROTOCOL],
            timeout=approach.seconds,
            **options,
        )
    except WebSocketBadStatusException as refused:
        body = bytes(refused.resp_body or b"")[:MAX_ERROR_BODY]
        raise failures.from_answer(
            refused.status_code, body, host=server.authority, secret=secret
        ) from refused
    except _FAILED as error:
        raise _failure(_as_oserror(error), approach, server) from error
    return web


def _failure(error: Exception, approach: Approach, server: Server) -> KubeError:
    return failures.from_exception(error, host=server.authority, seconds=approach.seconds)


def _as_oserror(error: Exception) -> OSError:
    if isinstance(error, OSError):
        return error
    late = isinstance(error, WebSocketTimeoutException)
    return TimeoutError() if late else ConnectionResetError(str(error)[:200])
