"""A client that never lets up: an ordinary user of an aggregated API, several times a second."""

from __future__ import annotations

import http.client
import itertools
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.cluster_side import FLUNDERS
from tests.e2e.control_plane import ControlPlane, write_file
from tests.kube.tls import Pair

DISCOVERY = "/apis/wardle.example.com/v1alpha1"
PAUSE = 0.1
SECONDS = 15.0
MOST_FAILURES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One request that failed: `at` in monotonic seconds; `status` is 0 where no answer came."""

    at: float
    path: str
    status: int
    body: str


@dataclass(kw_only=True)
class Hammer:
    """Discovery and a list of flunders in turn, in a thread each for kept and fresh connections.

    `requests` counts all that were made; of those that failed the first `MOST_FAILURES` are kept.
    """

    plane: ControlPlane
    user: Pair
    requests: int = 0
    slowest: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._began = time.monotonic()
        self._context = self._trusting()
        self._threads = [
            threading.Thread(target=self._run, kwargs={"fresh": fresh}, daemon=True)
            for fresh in (False, True)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS + 1)

    def figures(self) -> str:
        """What it did, in a line."""
        seconds = time.monotonic() - self._began
        return (
            f"{self.requests} requests in {seconds:.0f} s, slowest {self.slowest:.2f} s, "
            f"{len(self.failures)} failed"
        )

    def require_none_failed(self, *, at_least: int = 1) -> None:
        """Raises AssertionError with the first failures, or where it made hardly any request."""
        told = [
            f"{each.at - self._began:.1f} s: {each.status} {each.path} {each.body[:300]}"
            for each in self.failures[:5]
        ]
        assert not self.failures, f"{self.figures()}\n" + "\n".join(told)
        assert self.requests >= at_least, self.figures()

    def _run(self, *, fresh: bool) -> None:
        connection = self._connection()
        for path in itertools.cycle((DISCOVERY, FLUNDERS)):
            if self._stop.is_set():
                break
            began = time.monotonic()
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                status, body = answer.status, answer.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                status, body = 0, repr(error)
            self._note(began, path, status, body)
            if fresh or status != 200:
                connection.close()
            self._stop.wait(PAUSE)
        connection.close()

    def _note(self, began: float, path: str, status: int, body: str) -> None:
        with self._lock:
            self.requests += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status != 200 and len(self.failures) < MOST_FAILURES:
                failure = Failure(at=began, path=path, status=status, body=body[:2000])
                self.failures.append(failure)

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self.plane.port, timeout=SECONDS, context=self._context
        )

    def _trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.plane.authority.pem)
        with tempfile.TemporaryDirectory() as folder:
            certificate = write_file(Path(folder) / "user.crt", self.user.certificate_pem)
            key = write_file(Path(folder) / "user.key", self.user.key_pem)
            context.load_cert_chain(certificate, key)
        return context
