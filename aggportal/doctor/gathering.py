"""What is read of a cluster, piece by piece, each with the questions that it needs."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggportal.doctor.credentials import name_in
from aggportal.doctor.evidence import (
    Absent,
    Discovery,
    Injected,
    Json,
    Known,
    Listed,
    Read,
    ServiceEvidence,
    Unread,
)
from aggportal.doctor.objects import list_at, mapping_at, text_at
from aggportal.doctor.reads import Place, Reads, place, refused
from aggportal.kube.apiservices import APISERVICES_PATH, APIService
from aggportal.kube.client import Asked, Identity, Version
from aggportal.kube.errors import KubeError
from aggportal.kube.permissions import AccessRule

DISCOVERY_SECONDS = 6.0
MOST_BODY = 1_000_000
NODES = "/api/v1/nodes"
# cert-manager's cainjector writes caBundle from these.
FROM_CERTIFICATE = "cert-manager.io/inject-ca-from"
FROM_SECRET = "cert-manager.io/inject-ca-from-secret"  # noqa: S105 - an annotation
_BUDGETS = ("v1", "v1beta1")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_AGGREGATED = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    for version in ("v2", "v2beta1")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Looker(Reads):
    """What the checks look at, piece by piece."""

    def apiservices(self) -> tuple[Json, ...]:
        """All APIServices. Raises KubeError: without them there is nothing to say."""
        return self.client.list_pages(APISERVICES_PATH).items

    def identity(self) -> Identity | None:
        """Who the API server takes us for. Before 1.28 it does not say, or it refuses to where
        an account has few rights: then the name in what we present.
        """
        try:
            found = self.client.who_am_i()
        except KubeError:
            found = Identity(username="")
        if not found.username:
            found = Identity(username=name_in(self.client.connection), note=found.note)
        return found if found.username else None

    def version(self) -> Version | None:
        """What Kubernetes calls itself, None where it does not say."""
        try:
            return self.client.version()
        except KubeError:
            return None

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
        rule = AccessRule(verb="list", group=each.group or "", resource=name)
        may_ask = self._may(rule) if answer.status == 403 else None
        return Listed(path=path, status=answer.status, body=answer.text, may_ask=may_ask, rule=rule)

    def _may(self, rule: AccessRule) -> bool | None:
        """What the API server's own authorizer says, None where it says nothing."""
        try:
            return self.client.can_i([rule])[0].allowed
        except KubeError:
            return None

    def service(self, namespace: str, name: str, *, slices: bool) -> ServiceEvidence:
        """A Service and the endpoints behind it."""
        if not (_PART.fullmatch(namespace) and _PART.fullmatch(name)):
            odd = Absent(path=f"/api/v1/namespaces/{namespace}/services/{name}")
            return ServiceEvidence(service=odd, endpoints=odd)
        base = f"/api/v1/namespaces/{namespace}"
        service = self.object_at(place(f"{base}/services/{name}"))
        if not isinstance(service, Known):
            return ServiceEvidence(service=service, endpoints=Absent(path=base))
        endpoints: Read[tuple[Json, ...]] = Absent(path=base)
        if slices:
            endpoints = self._slices(namespace, name)
        if isinstance(endpoints, Absent):  # before 1.21
            endpoints = self._endpoints(base, name)
        return ServiceEvidence(
            service=service,
            endpoints=endpoints,
            pods=self._pods(base, mapping_at(service.value, "spec", "selector")),
        )

    def freshness(self) -> Read[Mapping[str, str]]:
        """`Current` or `Stale` for each group version, from aggregated discovery."""
        where = Place(path="/apis", rule=AccessRule(verb="get", path="/apis"))
        try:
            asked = Asked(limit=8 * MOST_BODY, accept=f"{_AGGREGATED},application/json")
            answer = self.client.get_raw(where.path, asked=asked)
        except KubeError as error:
            return Unread(path=where.path, why=error.sentence)
        if answer.status != 200:
            return refused(where, answer)
        document = _document(answer.text) or {}
        if document.get("kind") != "APIGroupDiscoveryList":
            return Absent(path=where.path)
        return Known(value=_freshness(document), path=where.path)

    def metrics(self, wanted: Iterable[str]) -> Read[Mapping[str, float]]:
        """kube-apiserver's own metrics whose names are among `wanted`."""
        where = Place(path="/metrics", rule=AccessRule(verb="get", path="/metrics"))
        try:
            asked = Asked(limit=8 * MOST_BODY, accept="text/plain", seconds=DISCOVERY_SECONDS)
            answer = self.client.get_raw(where.path, asked=asked)
        except KubeError as error:
            return Unread(path=where.path, why=error.sentence)
        if answer.status == 404:
            return Absent(path=where.path)
        if answer.status != 200:
            return refused(where, answer)
        return Known(value=dict(_samples(answer.text, tuple(wanted))), path=where.path)

    def injected(self, annotations: Mapping[str, str]) -> Injected:
        """The CA that cert-manager is to inject, by the annotations that it goes by."""
        certificate, secret = annotations.get(FROM_CERTIFICATE), annotations.get(FROM_SECRET)
        namespace, _, name = (certificate or secret or "").partition("/")
        if not (_PART.fullmatch(namespace) and _PART.fullmatch(name)):
            return Injected(source="", ca_pem=Absent(path=""))
        if certificate:
            path = f"/apis/cert-manager.io/v1/namespaces/{namespace}/certificates/{name}"
            found = self.object_at(place(path))
            if not isinstance(found, Known):
                return Injected(source=f"{namespace}/{name}", ca_pem=found)
            name = text_at(found.value, "spec", "secretName")
        if not _PART.fullmatch(name):
            return Injected(source="", ca_pem=Absent(path=""))
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        rule = AccessRule(verb="get", resource="secrets", namespace=namespace, name=name)
        read = self.object_at(Place(path=path, rule=rule))
        # Of a Secret nothing is kept but the CA.
        ca = _ca_of(read.value) if isinstance(read, Known) else ""
        if isinstance(read, Known):
            kept: Read[str] = Known(value=ca, path=path) if ca else Absent(path=path)
        else:
            kept = read
        return Injected(source=f"{namespace}/{name}", ca_pem=kept)

    def policies(self, namespace: str) -> Read[tuple[Json, ...]]:
        """The NetworkPolicies of a namespace."""
        path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
        if not _PART.fullmatch(namespace):
            return Absent(path=path)
        return self.list_at(place(path, "list"))

    def budgets(self, namespace: str) -> Read[tuple[Json, ...]]:
        """The PodDisruptionBudgets of a namespace, v1 from 1.21 on."""
        paths = [f"/apis/policy/{v}/namespaces/{namespace}/poddisruptionbudgets" for v in _BUDGETS]
        if not _PART.fullmatch(namespace):
            return Absent(path=paths[0])
        return self.list_at(*(place(path, "list") for path in paths))

    def control_nodes(self) -> Read[tuple[Json, ...]]:
        """The nodes with the label of the control plane, of today or of before 1.20."""
        found: Read[tuple[Json, ...]] = Absent(path=NODES)
        for role in ("control-plane", "master"):
            params = {"labelSelector": f"node-role.kubernetes.io/{role}"}
            found = self.list_at(replace(place(NODES, "list"), params=params))
            if not isinstance(found, Known) or found.value:
                return found
        return found

    def some_node(self) -> Read[tuple[Json, ...]]:
        """Any one node, to see whose machines they are."""
        return self.list_at(replace(place(NODES, "list"), params={"limit": "1"}))

    def _pods(self, base: str, selector: Mapping[str, str]) -> Read[tuple[Json, ...]]:
        if not selector:
            return Absent(path=f"{base}/pods")
        where = place(f"{base}/pods", "list")
        labels = ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
        return self.list_at(replace(where, params={"labelSelector": labels, "limit": "20"}))

    def _slices(self, namespace: str, name: str) -> Read[tuple[Json, ...]]:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        rule = place(path, verb="list").rule
        selector = {"labelSelector": f"kubernetes.io/service-name={name}"}
        return self.list_at(Place(path=path, rule=rule, params=selector))

    def _endpoints(self, base: str, name: str) -> Read[tuple[Json, ...]]:
        found = self.object_at(place(f"{base}/endpoints/{name}"))
        return Known(value=(found.value,), path=found.path) if isinstance(found, Known) else found


def group_path(each: APIService) -> str:
    """Where the group version is served."""
    return f"/apis/{each.group}/{each.version}" if each.group else f"/api/{each.version}"


def _samples(text: str, wanted: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Lines `name{labels} value` of Prometheus' text format."""
    for line in text.splitlines():
        if line.startswith(wanted) and re.split(r"[ {]", line, maxsplit=1)[0] in wanted:
            name, _, number = line.rpartition(" ")
            with contextlib.suppress(ValueError):
                yield name[:300], float(number)


def _ca_of(secret: Json) -> str:
    try:
        return base64.b64decode(text_at(secret, "data", "ca.crt", limit=MOST_BODY)).decode()
    except ValueError:
        return ""


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
