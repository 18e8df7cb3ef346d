"""Reads of a cluster, a few at a time, each of which may fail for itself.

Never more than `AT_ONCE` requests are in flight, so that the doctor is no burden to an API server
in trouble. What is missing becomes part of the evidence, with the rule that would allow it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from aggportal.doctor.evidence import Absent, Json, Known, Read, Unread
from aggportal.doctor.objects import list_at
from aggportal.doctor.told import say
from aggportal.kube.client import ApiClient, RawAnswer
from aggportal.kube.errors import KubeError, NotFound, PermissionDenied
from aggportal.kube.permissions import AccessRule
from aggportal.words import gettext_noop as _n

AT_ONCE = 4
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Something to read: its path, and the rule that allows it."""

    path: str
    rule: AccessRule
    params: Mapping[str, str] = field(default_factory=dict)


def place(path: str, verb: str = "get") -> Place:
    """Return where `path` leads, its group and resource read off it as the API spells them."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    return Place(path=path, rule=AccessRule(verb=verb, group=group, resource=rest[0]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """Reads of one cluster, some at once."""

    client: ApiClient

    def each(self, work: Callable[[T], R], things: Iterable[T]) -> list[R]:
        """Do `work` on all, a few at once, in order."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return list(pool.map(work, things))

    def object_at(self, where: Place) -> Read[Json]:
        """One object."""
        return self._read(where, lambda: self.client.get_json(where.path, where.params))

    def list_at(self, *places: Place) -> Read[tuple[Json, ...]]:
        """A collection; later places are those of older API versions."""
        for where in places:
            found = self._read(where, lambda where=where: self._items(where))  # type: ignore[misc]
            if not isinstance(found, Absent):
                return found
        return Absent(path=places[0].path)

    def _items(self, where: Place) -> tuple[Json, ...]:
        if where.params:
            return tuple(list_at(self.client.get_json(where.path, where.params), "items"))
        return self.client.list_pages(where.path).items

    def _read(self, where: Place, read: Callable[[], T]) -> Read[T]:
        try:
            return Known(value=read(), path=where.path)
        except NotFound:
            return Absent(path=where.path)
        except PermissionDenied as error:
            return Unread(path=where.path, why=error.sentence, rule=where.rule)
        except KubeError as error:
            return Unread(path=where.path, why=error.sentence)


def refused(where: Place, answer: RawAnswer) -> Unread:
    """What was asked for raw and not given."""
    if answer.status == 403:
        return Unread(
            path=where.path, why=say(_n("This account may not read it.")), rule=where.rule
        )
    told = say(_n("It answered HTTP %(status)d."), status=answer.status)
    return Unread(path=where.path, why=told)
