"""A watch under way: batches of events, line by line, that another thread may end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aggportal.kube import failures
from aggportal.kube.door import Answer, Door, Request, decode_object
from aggportal.kube.errors import KubeError
from aggportal.kube.wire import Exchange

MAX_LINE = 2_000_000
GRACE = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchEvent:
    """`kind` is ADDED, MODIFIED, DELETED or BOOKMARK; `object` the raw object."""

    kind: str
    object: dict[str, Any]


class WatchStream:
    """Enter it to open the watch (raises as any request does), then iterate over batches.

    A batch holds the events that arrived together, at least one. The iteration ends when the server
    ends its window; an ERROR event raises Gone or another error, garbage NotKubernetes, a line of
    more than 2 MB TooLarge. `cut` ends it from any thread: the iteration then stops quietly.
    """

    def __init__(self, door: Door, request: Request, *, window: int, seconds: float) -> None:
        self._door = door
        self._request = request
        self._window = window
        self._seconds = seconds
        self._exchange = Exchange()
        self._answer: Answer | None = None
        self._stopped = False

    def __enter__(self) -> WatchStream:
        self._answer = self._door.send(
            self._request,
            seconds=self._seconds,
            quiet_seconds=self._window + GRACE,
            exchange=self._exchange,
        )
        try:
            self._answer.require_success()
        except KubeError:
            self._answer.close()
            raise
        self._answer.extend(self._window + GRACE)
        return self

    def __exit__(self, *_: object) -> None:
        if self._answer is not None:
            self._exchange.cut()
            self._answer.close()

    def cut(self) -> None:
        """End the watch now."""
        self._stopped = True
        self._exchange.cut()

    def __iter__(self) -> Iterator[tuple[WatchEvent, ...]]:
        if self._answer is None:
            return
        rest = b""
        try:
            for chunk in self._answer.chunks():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in lines):
                    raise failures.too_large(host=self._answer.host, limit=MAX_LINE)
                batch = tuple(self._event(line) for line in lines if line.strip())
                if batch:
                    yield batch
        except KubeError:
            if not self._stopped:
                raise

    def _event(self, line: bytes) -> WatchEvent:
        host = self._answer.host if self._answer is not None else ""
        secret = self._answer.secret if self._answer is not None else None
        doc = decode_object(line, host=host)
        kind, body = doc.get("type"), doc.get("object")
        if not isinstance(body, dict):
            raise failures.not_kubernetes(host=host)
        if kind == "ERROR":
            code = body.get("code")
            raise failures.from_status(
                body, status=code if isinstance(code, int) else 500, secret=secret
            )
        if kind not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
            raise failures.not_kubernetes(host=host)
        return WatchEvent(kind=kind, object=body)
