"""One HTTP exchange with an API server: resolved and checked, bounded in time and size.

Imported late by `client`, since urllib3 and ssl are heavy.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from aggportal.kube import failures
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

CHUNK = 65_536
MAX_ERROR_BODY = 65_536
MAX_ADDRESSES = 4
USER_AGENT = "aggportal"

_SENDING = (HTTPError, http.client.HTTPException, OSError, ValueError)
# A socket that is shut down under http.client can leave it without a file to read from.
_READING = (*_SENDING, AttributeError)


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


class Answer:
    """A status and a body still to be read; `close` it, or use it as a context manager."""

    def __init__(
        self,
        response: BaseHTTPResponse,
        exchange: Exchange,
        *,
        host: str,
        secret: str | None,
        timer: threading.Timer,
    ) -> None:
        self.status = response.status
        self.host = host
        self.secret = secret
        self._response = response
        self._exchange = exchange
        self._timer = timer

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the clock; a body that was read to its end leaves its connection for reuse."""
        self._timer.cancel()
        self._response.close()

    def extend(self, seconds: float) -> None:
        """Give the exchange `seconds` more from now on."""
        self._timer.cancel()
        self._timer = start_timer(seconds, self._exchange)

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives; ends with our own error when cut, broken off or late."""
        while True:
            try:
                chunk = self._response.read1(CHUNK, decode_content=False)
            except _READING as exc:
                raise self._failure(exc) from exc
            if not chunk:
                break
            yield chunk
        if self._exchange.was_cut:
            raise failures.timed_out(host=self.host, seconds=self._timer.interval)

    def prefix(self, limit: int) -> bytes:
        """At most `limit` bytes of the body."""
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) >= limit:
                break
        return bytes(body[:limit])

    def body(self, limit: int) -> bytes:
        """The whole body; TooLarge when it is longer than `limit` bytes."""
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise failures.too_large(host=self.host, limit=limit)
        return bytes(body)

    def json(self, limit: int) -> tuple[dict[str, Any], int]:
        """The body as a JSON object, and its size; NotKubernetes when it is none."""
        self.require_success()
        body = self.body(limit)
        return decode_object(body, host=self.host), len(body)

    def require_success(self) -> None:
        """Raise our error unless the status is 2xx."""
        if not 200 <= self.status < 300:
            body = self.prefix(MAX_ERROR_BODY)
            raise failures.from_answer(self.status, body, host=self.host, secret=self.secret)

    def _failure(self, exc: BaseException) -> KubeError:
        if self._exchange.was_cut:
            return failures.timed_out(host=self.host, seconds=self._timer.interval)
        return failures.from_exception(exc, host=self.host, seconds=self._timer.interval)


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
            secret=self._secret(),
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

    def _secret(self) -> str | None:
        match self._connection.auth:
            case BearerToken(token=token):
                return token
            case ServiceAccount():
                return read_service_account_token()
        return None

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
            except _SENDING as exc:
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


def start_timer(seconds: float, exchange: Exchange) -> threading.Timer:
    timer = threading.Timer(max(0.0, seconds), exchange.cut)
    timer.daemon = True
    timer.start()
    return timer


def decode_object(body: bytes, *, host: str) -> dict[str, Any]:
    """The JSON object in `body`; NotKubernetes when it is none."""
    try:
        doc = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise failures.not_kubernetes(host=host) from exc
    if not isinstance(doc, dict):
        raise failures.not_kubernetes(host=host)
    return doc
