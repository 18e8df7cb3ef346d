"""A watch under way: batches of events, line by line, that another thread may end.

A server sends each change by itself, also when four hundred come at once, and whoever takes them
has a database to write to. So a thread reads on meanwhile, and what came in is one batch.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aggportal.kube import failures
from aggportal.kube.bodies import Answer, decode_object
from aggportal.kube.door import Door, Request
from aggportal.kube.errors import KubeError
from aggportal.kube.wire import Exchange

MAX_LINE = 2_000_000
GRACE = 15.0
# Chunks of at most 64 kB that may wait; then the server has to.
MOST_WAITING = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchEvent:
    """`kind` is ADDED, MODIFIED, DELETED or BOOKMARK; `object` the raw object."""

    kind: str
    object: dict[str, Any]


class WatchStream:
    """Enter it to open the watch (raises as any request does), then iterate over batches.

    A batch holds the events that arrived since the last one, at least one. The iteration ends when
    the server ends its window; an ERROR event raises Gone or another error, garbage NotKubernetes,
    a line of more than 2 MB TooLarge, after what came before it. `cut` ends it from any thread: the
    iteration then stops quietly.
    """

    def __init__(self, door: Door, request: Request, *, window: int, seconds: float) -> None:
        self._door = door
        self._request = request
        self._window = window
        self._seconds = seconds
        self._exchange = Exchange()
        self._answer: Answer | None = None
        self._stopped = False
        self._over = threading.Event()
        self._arrived: queue.Queue[bytes | KubeError | None] = queue.Queue(MOST_WAITING)
        self._reader: threading.Thread | None = None

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
            self._over.set()
            self._exchange.cut()
            if self._reader is not None:
                self._reader.join(1.0)
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
            for chunk in self._arrivals(self._answer):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in lines):
                    raise failures.too_large(host=self._answer.host, limit=MAX_LINE)
                batch, refused = self._events(line for line in lines if line.strip())
                if batch:
                    yield batch
                if refused:
                    raise refused
            if rest.strip():  # an event ends its line: this is none, or none that is whole
                self._event(rest)
        except KubeError:
            if not self._stopped:
                raise

    def _arrivals(self, answer: Answer) -> Iterator[bytes]:
        """What arrived since the last look, in one piece; raises what ended the reading."""
        self._reader = threading.Thread(
            target=self._read, args=(answer,), daemon=True, name="aggportal-watch"
        )
        self._reader.start()
        while True:
            pieces = [self._arrived.get()]
            while not self._arrived.empty():
                pieces.append(self._arrived.get())
            yield b"".join(piece for piece in pieces if isinstance(piece, bytes))
            end = pieces[-1]
            if isinstance(end, KubeError):
                raise end
            if end is None:
                return

    def _read(self, answer: Answer) -> None:
        """Read to the end, from a thread of its own; the end comes last, as an error or None."""
        end: KubeError | None = None
        try:
            for chunk in answer.chunks():
                if not self._hand_over(chunk):
                    return
        except KubeError as exc:
            end = exc
        finally:
            self._hand_over(end)

    def _hand_over(self, piece: bytes | KubeError | None) -> bool:
        while not self._over.is_set():
            try:
                self._arrived.put(piece, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def _events(self, lines: Iterable[bytes]) -> tuple[tuple[WatchEvent, ...], KubeError | None]:
        """The events up to the first line that is none, and what is wrong with that."""
        events: list[WatchEvent] = []
        try:
            for line in lines:
                events.append(self._event(line))
        except KubeError as exc:
            return tuple(events), exc
        return tuple(events), None

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
