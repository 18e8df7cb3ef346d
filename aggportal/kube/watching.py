"""Following one collection of one cluster: list, watch, and again, for as long as it takes.

One `Reflector` runs in one thread. It gives an immutable snapshot after every list and after every
batch of changes, and says when it is in trouble and since when. While a watch is open a second
thread asks the server for its version every few seconds, since a watch over a dead network looks
exactly like a quiet one; idle servers send no bookmarks to go by.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aggportal.kube.apiservices import APISERVICES_PATH
from aggportal.kube.client import ApiClient, Asked
from aggportal.kube.errors import Gone, KubeError, TimedOut, TooLarge, Unreachable
from aggportal.words import gettext_noop as _n

if TYPE_CHECKING:
    from aggportal.kube.streams import WatchEvent, WatchStream

Raw = Mapping[str, Any]

# Ten times what the largest clusters hold; more is a mistake, or malice.
MAX_ITEMS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The whole collection by name as last seen. `changed` names what is new, different or gone.

    `relisted` is true after a full list: then changes in between may have been missed.
    """

    items: Mapping[str, Raw]
    synced_at: dt.datetime
    changed: frozenset[str]
    resource_version: str
    relisted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How patient we are, in seconds.

    `delays` are the waits after the first, second, … failure in a row, the last one repeated, each
    varied by a fifth. A watch that ends sooner than `settled` without an event counts as a failure.
    """

    delays: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 5.0)
    window: int = 170
    probe_every: float = 5.0
    probe_seconds: float = 3.0
    settled: float = 5.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after `failures` failures in a row."""
        if failures <= 0:
            return 0.0
        base = self.delays[min(failures, len(self.delays)) - 1]
        return base * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret


def _ignore(_at: dt.datetime) -> None:
    return


@dataclass(kw_only=True)
class Reflector:
    """Keeps `on_snapshot` told of a collection until `stop` is set; `run` blocks.

    `on_trouble(error, since)` is called at every failure in a row, `since` being the moment when
    the server was last heard. Trouble is over with the next `on_snapshot`, which comes even if
    nothing changed. What these raise ends `run`. `on_alive(at)` is called, from another thread,
    each time that an open watch was found alive.
    """

    client: ApiClient
    on_snapshot: Callable[[Snapshot], None]
    on_trouble: Callable[[KubeError, dt.datetime], None]
    now: Callable[[], dt.datetime]
    on_alive: Callable[[dt.datetime], None] = _ignore
    path: str = APISERVICES_PATH
    pace: Pace = field(default_factory=Pace)
    stop: threading.Event = field(default_factory=threading.Event)
    _items: dict[str, Raw] = field(default_factory=dict, init=False)
    _version: str = field(default="", init=False)
    _failures: int = field(default=0, init=False)
    _heard: dt.datetime | None = field(default=None, init=False)
    _in_trouble: bool = field(default=False, init=False)
    _gone: bool = field(default=False, init=False)

    def run(self) -> None:
        """List and watch until `stop` is set; then at once, or when the list under way ends."""
        self._heard = self.now()
        while not self.stop.is_set():
            try:
                if not self._version:
                    self._relist()
                self._watch()
            except Gone as exc:
                self._version = ""
                self._take_gone(exc)
            except KubeError as exc:
                self._gone = False
                if not isinstance(exc, Unreachable | TimedOut):
                    self._version = ""  # who answers oddly is believed after a whole list alone
                self._count_failure(exc)
            self.stop.wait(self.pace.delay(self._failures))

    def _take_gone(self, error: Gone) -> None:
        """The server answers, and a new list is all it takes: trouble only if it says so again."""
        if self._gone:
            self._count_failure(error)
        self._gone = True

    def _count_failure(self, error: KubeError) -> None:
        self._failures += 1
        if not self.stop.is_set():
            self._in_trouble = True
            now = self.now()  # the clock may have been set back since
            self.on_trouble(error, min(self._heard or now, now))

    def _relist(self) -> None:
        listing = self.client.list_pages(self.path)
        items = {name: item for item in listing.items if (name := _name(item))}
        self._require_room(len(items))
        changed = {
            name
            for name in items.keys() | self._items.keys()
            if _version(items.get(name)) != _version(self._items.get(name))
        }
        self._items, self._version = items, listing.resource_version
        self._tell(changed, relisted=True)

    def _watch(self) -> None:
        """One watch, from opening to its end."""
        started = time.monotonic()
        stream = self.client.watch(self.path, self._version, window=self.pace.window)
        with self._guarded(stream) as guard, stream:
            self._heard = self.now()
            if self._in_trouble:
                self._tell(set())
            for batch in stream:
                self._failures, self._gone = 0, False
                self._take(batch)
        guard.require_alive()
        if time.monotonic() - started >= self.pace.settled:
            self._failures, self._gone = 0, False
        elif not self.stop.is_set():
            self._failures += 1
            if self._failures > 1:
                self._version = ""  # whoever only ends watches is asked for a list

    @contextmanager
    def _guarded(self, stream: WatchStream) -> Iterator[_Guard]:
        """While the block runs, end the stream when `stop` is set or the server is found dead."""
        guard = _Guard(client=self.client, stream=stream, pace=self.pace, stop=self.stop)
        thread = threading.Thread(
            target=guard.run, args=(self._found_alive,), daemon=True, name="aggportal-guard"
        )
        thread.start()
        try:
            yield guard
        finally:
            guard.done.set()

    def _found_alive(self) -> None:
        self._heard = self.now()
        self._failures, self._gone = 0, False
        self.on_alive(self._heard)

    def _take(self, batch: tuple[WatchEvent, ...]) -> None:
        changed: set[str] = set()
        for event in batch:
            self._version = _version(event.object) or self._version
            name = _name(event.object)
            if event.kind == "BOOKMARK" or not name:
                continue
            changed.add(name)
            if event.kind == "DELETED":
                self._items.pop(name, None)
            else:
                self._require_room(len(self._items) + (name not in self._items))
                self._items[name] = event.object
        self._heard = self.now()
        if changed:
            self._tell(changed)

    def _require_room(self, count: int) -> None:
        """Refuse what no memory should be filled with; what was taken in comes by a new list."""
        if count > MAX_ITEMS:
            self._version = ""
            raise TooLarge(
                _n("%(host)s holds more than %(limit)d APIServices; they are not followed."),
                host=self.client.connection.server.removeprefix("https://"),
                limit=MAX_ITEMS,
            )

    def _tell(self, changed: set[str], *, relisted: bool = False) -> None:
        self._heard = self.now()
        self._in_trouble = False
        self.on_snapshot(
            Snapshot(
                items=MappingProxyType(dict(self._items)),
                synced_at=self._heard,
                changed=frozenset(changed),
                resource_version=self._version,
                relisted=relisted,
            )
        )


@dataclass(kw_only=True)
class _Guard:
    """Watches over an open watch from a second thread."""

    client: ApiClient
    stream: WatchStream
    pace: Pace
    stop: threading.Event
    done: threading.Event = field(default_factory=threading.Event)
    _error: KubeError | None = None

    def run(self, found_alive: Callable[[], None]) -> None:
        """Probe until `done`; one late answer is forgiven, the second in a row is not."""
        next_probe, late = time.monotonic() + self.pace.probe_every, False
        while not self.done.wait(0.2):
            if self.stop.is_set():
                self.stream.cut()
                return
            if time.monotonic() < next_probe:
                continue
            try:
                asked = Asked(seconds=self.pace.probe_seconds)
                self.client.get_raw("/version", asked=asked).require_known()
            except KubeError as exc:
                if isinstance(exc, TimedOut) and not late:
                    late = True
                    continue
                self._error = exc
                self.stream.cut()
                return
            late = False
            if not self.done.is_set():
                found_alive()
            next_probe = time.monotonic() + self.pace.probe_every

    def require_alive(self) -> None:
        """Raise what the probe found, if it ended the watch."""
        if self._error is not None:
            raise self._error


def _name(item: Raw) -> str:
    metadata = item.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _version(item: Raw | None) -> str:
    metadata = (item or {}).get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""
