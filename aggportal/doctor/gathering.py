"""Looking at a cluster once: a few reads at a time, each of which may fail for itself.

Never more than `AT_ONCE` requests are in flight, so that the doctor is no burden to an API server
in trouble. What is missing becomes part of the evidence, with the rule that would allow it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aggportal.doctor.evidence import (
    Absent,
    Discovery,
    Json,
    Known,
    Listed,
    Read,
    ServiceEvidence,
    Unread,
)
from aggportal.doctor.objects import list_at, text_at
from aggportal.kube.apiservices import APISERVICES_PATH, APIService, parse_apiservice
from aggportal.kube.client import ApiClient, Asked, Identity
from aggportal.kube.errors import KubeError, NotFound, PermissionDenied
from aggportal.kube.permissions import AccessRule

AT_ONCE = 4
DISCOVERY_SECONDS = 6.0
MOST_BODY = 1_000_000
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    for version in ("v2", "v2beta1")
)
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
class Looker:
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

    def apiservices(self) -> tuple[APIService, ...]:
        """All APIServices. Raises KubeError: without them there is nothing to say."""
        listed = self.client.list_pages(APISERVICES_PATH)
        return tuple(parse_apiservice(raw) for raw in listed.items)

    def identity(self) -> Identity | None:
        """Who the API server takes us for, None where it does not say."""
        try:
            return self.client.who_am_i()
        except KubeError:
            return None

    def minor(self) -> int | None:
        """The minor version of Kubernetes."""
        try:
            digits = re.match(r"\d+", self.client.version().minor)
        except KubeError:
            return None
        return int(digits.group()) if digits else None

    def discovery(self, each: APIService) -> Discovery:
        """What any client gets for the group version."""
        path = group_path(each)
        began = time.monotonic()
        try:
            asked = Asked(seconds=DISCOVERY_SECONDS, limit=MOST_BODY)
            answer = self.client.get_raw(path, asked=asked)
        except KubeError as error:
            return Discovery(path=path, milliseconds=_since(began), trouble=error.sentence)
        return Discovery(
            path=path,
            milliseconds=_since(began),
            status=answer.status,
            body=answer.text[:4096],
            document=_document(answer.text) if answer.status == 200 else None,
        )

    def listed(self, each: APIService, discovery: Discovery) -> Listed | None:
        """A list of the first resource that can be listed; None where there is none."""
        name = _listable(discovery.document)
        if name is None:
            return None
        path = f"{discovery.path}/{name}"
        try:
            asked = Asked(params={"limit": "1"}, seconds=DISCOVERY_SECONDS)
            answer = self.client.get_raw(path, asked=asked)
        except KubeError:
            return Listed(path=path)
        return Listed(path=path, status=answer.status, body=answer.text)

    def service(self, namespace: str, name: str, *, slices: bool) -> ServiceEvidence:
        """A Service and the endpoints behind it."""
        if not (_PART.fullmatch(namespace) and _PART.fullmatch(name)):
            odd = Absent(path=f"/api/v1/namespaces/{namespace}/services/{name}")
            return ServiceEvidence(service=odd, endpoints=odd)
        base = f"/api/v1/namespaces/{namespace}"
        service = self.object_at(place(f"{base}/services/{name}"))
        if not isinstance(service, Known):
            return ServiceEvidence(service=service, endpoints=Absent(path=base))
        return ServiceEvidence(
            service=service,
            endpoints=self._slices(namespace, name) if slices else self._endpoints(base, name),
        )

    def freshness(self) -> Read[Mapping[str, str]]:
        """`Current` or `Stale` for each group version, from aggregated discovery."""
        where = Place(path="/apis", rule=AccessRule(verb="get", path="/apis"))
        try:
            asked = Asked(limit=8 * MOST_BODY, accept=f"{_AGGREGATED},application/json")
            answer = self.client.get_raw(where.path, asked=asked)
        except KubeError as error:
            return Unread(path=where.path, why=error.sentence, rule=where.rule)
        document = _document(answer.text) or {}
        if document.get("kind") != "APIGroupDiscoveryList":
            return Absent(path=where.path)
        return Known(value=_freshness(document), path=where.path)

    def _slices(self, namespace: str, name: str) -> Read[tuple[Json, ...]]:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        rule = place(path, verb="list").rule
        selector = {"labelSelector": f"kubernetes.io/service-name={name}"}
        return self.list_at(Place(path=path, rule=rule, params=selector))

    def _endpoints(self, base: str, name: str) -> Read[tuple[Json, ...]]:
        found = self.object_at(place(f"{base}/endpoints/{name}"))
        return Known(value=(found.value,), path=found.path) if isinstance(found, Known) else found

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


def group_path(each: APIService) -> str:
    """Where the group version is served."""
    return f"/apis/{each.group}/{each.version}" if each.group else f"/api/{each.version}"


def _listable(document: Json | None) -> str | None:
    for resource in list_at(document, "resources"):
        name, verbs = text_at(resource, "name"), resource.get("verbs")
        if isinstance(verbs, list) and "list" in verbs and _PART.fullmatch(name):
            return name
    return None


def _freshness(document: Json) -> dict[str, str]:
    found = {}
    for group in list_at(document, "items"):
        name = text_at(group, "metadata", "name")
        for version in list_at(group, "versions"):
            found[f"{name}/{text_at(version, 'version')}"] = text_at(version, "freshness")
    return found


def _document(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
