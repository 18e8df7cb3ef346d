"""The body of an answer: read as it arrives, bounded in time and size.

Imported late, as `door` is.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from aggportal.kube import failures
from aggportal.kube.errors import KubeError
from aggportal.kube.wire import Exchange

CHUNK = 65_536
MAX_ERROR_BODY = 65_536
# What `urllib3` and the parts below it raise while they send or wait.
WIRE_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)
# A socket that is shut down under http.client can leave it without a file to read from.
_READING = (*WIRE_ERRORS, AttributeError)


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
