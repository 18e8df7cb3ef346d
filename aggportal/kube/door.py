"""One HTTP exchange with an API server: resolved and checked, bounded in time.

Imported late by `client`, since urllib3 and ssl are heavy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from urllib3 import BaseHTTPResponse

from aggportal.kube import failures
from aggportal.kube.bodies import WIRE_ERRORS, Answer, start_timer
from aggportal.kube.connections import (
    BearerToken,
    Connection,
    ServiceAccount,
    read_service_account_token,
)
from aggportal.kube.egress import EgressPolicy, Resolve, resolve_permitted
from aggportal.kube.errors import KubeError, TransportError, Unreachable
from aggportal.kube.servers import Server, parse_server
from aggportal.kube.wire import Exchange

MAX_ADDRESSES = 4
USER_AGENT = "aggportal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request; `path` is absolute on the API server, `body` is sent as JSON."""

    method: str
    path: str
    params: Mapping[str, str]
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    accept: str = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request made ready for one address: URL, headers, seconds to connect and to read."""

    request: Request
    url: str
    headers: dict[str, str] = field(repr=False)
    timeout: tuple[float, float]


Send = Callable[[Call], BaseHTTPResponse]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """A request on its way, until `deadline` (monotonic), its socket quiet for `quiet_seconds`."""

    request: Request
    exchange: Exchange
    seconds: float
    quiet_seconds: float
    deadline: float
    secret: str | None = field(repr=False)

    @property
    def left(self) -> float:
        return max(0.05, self.deadline - time.monotonic())


class Door:
    """Sends requests to one server, over connections to addresses that the policy permits."""

    def __init__(
        self,
        connection: Connection,
        *,
        egress: EgressPolicy,
        connect_seconds: float,
        resolve: Resolve | None,
        open_sender: Callable[[Connection, str], Send],
    ) -> None:
        self._connection = connection
        self._server = parse_server(connection.server)
        self._egress = egress
        self._connect_seconds = connect_seconds
        self._resolve = resolve
        self._open_sender = open_sender
        self._lock = threading.Lock()
        self._sender: Send | None = None
        self._addresses: tuple[str, ...] = ()

    def send(
        self,
        request: Request,
        *,
        seconds: float,
        quiet_seconds: float | None = None,
        exchange: Exchange | None = None,
    ) -> Answer:
        """Send it and wait for the status; all of it, body included, within `seconds`.

        Whoever extends the answer says with `quiet_seconds` how long the socket may then be quiet.
        """
        attempt = _Attempt(
            request=request,
            exchange=exchange or Exchange(),
            seconds=seconds,
            quiet_seconds=quiet_seconds or seconds,
            deadline=time.monotonic() + seconds,
            secret=secret_of(self._connection),
        )
        timer = start_timer(seconds, attempt.exchange)
        try:
            response = self._send_again_if_stale(attempt)
        except BaseException as exc:
            timer.cancel()
            if isinstance(exc, TransportError):
                self.forget()
            raise
        host = self._server.authority
        return Answer(response, attempt.exchange, host=host, secret=attempt.secret, timer=timer)

    def forget(self) -> None:
        """Drop connections and addresses, so that the next request begins anew."""
        with self._lock:
            self._sender, self._addresses = None, ()

    def _send_again_if_stale(self, attempt: _Attempt) -> BaseHTTPResponse:
        """A kept connection may be closed by the server just as we use it: then ask once more."""
        exchange = attempt.exchange
        try:
            return self._send_to_any(attempt)
        except Unreachable as exc:
            stale = exc.reason == "dropped" and not exchange.fresh and not exchange.was_cut
            if not stale or attempt.request.method != "GET":
                raise
            self.forget()
            return self._send_to_any(attempt)

    def _send_to_any(self, attempt: _Attempt) -> BaseHTTPResponse:
        """Try the addresses in turn until one lets us connect."""
        addresses = self._resolved(attempt)
        for index, address in enumerate(addresses):
            try:
                response = self._send_to(address, attempt)
            except WIRE_ERRORS as exc:
                last = index == len(addresses) - 1
                if last or attempt.exchange.was_cut or not failures.failed_to_connect(exc):
                    raise self._failure(exc, attempt) from exc
            else:
                with self._lock:
                    self._addresses = (address, *(each for each in addresses if each != address))
                return response
        raise AssertionError(addresses)

    def _resolved(self, attempt: _Attempt) -> tuple[str, ...]:
        with self._lock:
            addresses = self._addresses
        if addresses:
            return addresses
        seconds = min(self._connect_seconds, attempt.left)
        found = resolve_permitted(
            self._server, self._egress, deadline_seconds=seconds, resolve=self._resolve
        )
        return found[:MAX_ADDRESSES]

    def _send_to(self, address: str, attempt: _Attempt) -> BaseHTTPResponse:
        request = attempt.request
        target = Server(host=address, port=self._server.port, path=self._server.path)
        query = f"?{urlencode(request.params)}" if request.params else ""
        headers = {
            "Host": self._server.authority,
            "Accept": request.accept,
            "User-Agent": USER_AGENT,
        }
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        if attempt.secret is not None:
            headers["Authorization"] = f"Bearer {attempt.secret}"
        call = Call(
            request=request,
            url=f"{target.url}{request.path}{query}",
            headers=headers,
            timeout=(min(self._connect_seconds, attempt.left), attempt.quiet_seconds),
        )
        with attempt.exchange.running():
            return self._opened_sender()(call)

    def _opened_sender(self) -> Send:
        with self._lock:
            if self._sender is None:
                name = self._connection.tls_server_name or self._server.host
                self._sender = self._open_sender(self._connection, name)
            return self._sender

    def _failure(self, exc: BaseException, attempt: _Attempt) -> KubeError:
        host = self._server.authority
        connecting = failures.failed_to_connect(exc)
        seconds = self._connect_seconds if connecting else attempt.seconds
        if attempt.exchange.was_cut:
            return failures.timed_out(host=host, seconds=attempt.seconds)
        return failures.from_exception(exc, host=host, seconds=seconds)


def secret_of(connection: Connection) -> str | None:
    """The token that goes with each request, None where a certificate or nothing does."""
    match connection.auth:
        case BearerToken(token=token):
            return token
        case ServiceAccount():
            return read_service_account_token()
    return None
