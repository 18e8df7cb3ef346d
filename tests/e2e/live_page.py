"""The page of a cluster as an open browser keeps it: it polls as its own attributes tell."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.pages import Page
from tests.e2e.visitor import Answer, Visitor

TABLE = "apiservice-table"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the table showed from the moment `at` (monotonic seconds) on; `times` as written in
    its `<time>` elements, in their order."""

    at: float
    text: str
    times: tuple[dt.datetime, ...]


class LivePage:
    """Opens a cluster's page, filtered to one APIService, and follows it in a thread."""

    def __init__(self, visitor: Visitor, cluster: str, apiservice: str) -> None:
        self.visitor = visitor
        self.path = f"/clusters/{cluster}/"
        page = visitor.open(f"{self.path}?q={apiservice}").page
        self.shown: list[Shown] = []
        self._swap(page)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> LivePage:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    @property
    def text(self) -> str:
        """What the table shows now."""
        return self.shown[-1].text

    def wait_until(
        self, wanted: Callable[[str], bool], seconds: float, *, since: float = 0.0
    ) -> float:
        """Wait until the table shows what is `wanted`; return when it first did after `since`."""
        ends = time.monotonic() + seconds
        while True:
            for shown in self.shown:
                if shown.at >= since and wanted(shown.text):
                    return shown.at
            assert self._failure is None, self._failure
            assert time.monotonic() < ends, self.text
            time.sleep(0.02)

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._every):
                self._poll(self.visitor.get(self._address, HX_Request="true"))
        except BaseException as failure:  # told by wait_until, in the test's own thread
            self._failure = failure
            raise

    def _poll(self, answer: Answer) -> None:
        assert answer.status in (200, 204), answer.page.text
        if answer.status == 200:
            self._swap(answer.page)

    def _swap(self, page: Page) -> None:
        table = page.element(TABLE)
        self._address = table.attributes["hx-get"]
        every = re.fullmatch(r"every (\d+)(m?)s", table.attributes["hx-trigger"])
        assert every, table.attributes
        self._every = float(every[1]) / (1000 if every[2] else 1)
        self.shown.append(
            Shown(
                at=time.monotonic(),
                text=" ".join(table.text.split()),
                times=tuple(
                    dt.datetime.fromisoformat(attributes["datetime"])
                    for attributes in page.all_attributes
                    if "datetime" in attributes
                ),
            )
        )
