"""Services, endpoints, namespaces and autoscalers as values, read defensively; nothing raises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
MAX_TEXT = 2000


def text_at(document: object, *path: str, limit: int = MAX_TEXT) -> str:
    """The text at `path`, empty where there is none."""
    value = value_at(document, *path)
    return value[:limit] if isinstance(value, str) else ""


def list_at(document: object, *path: str) -> list[Json]:
    """The objects in the list at `path`."""
    value = value_at(document, *path)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def value_at(document: object, *path: str) -> object:
    """Whatever is at `path`, None where there is nothing."""
    step = document
    for key in path:
        step = step.get(key) if isinstance(step, Mapping) else None
    return step


def number_at(document: object, *path: str) -> int | None:
    """The whole number at `path`."""
    value = value_at(document, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def texts_at(document: object, *path: str) -> list[str]:
    """The texts in the list at `path`."""
    value = value_at(document, *path)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def labels_of(document: object) -> dict[str, str]:
    """`metadata.labels`."""
    return mapping_at(document, "metadata", "labels")


def mapping_at(document: object, *path: str) -> dict[str, str]:
    """The texts by name at `path`."""
    found = value_at(document, *path)
    pairs = found.items() if isinstance(found, Mapping) else ()
    return {name: text for name, text in pairs if isinstance(text, str)}


def name_of(document: object) -> str:
    return text_at(document, "metadata", "name")


def namespace_of(document: object) -> str:
    return text_at(document, "metadata", "namespace")


def conditions_of(document: object) -> dict[str, Json]:
    """`status.conditions` by type."""
    return {text_at(each, "type"): each for each in list_at(document, "status", "conditions")}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePort:
    """One entry of a Service's `spec.ports`."""

    name: str
    port: int | None
    target: str


def service_ports(service: Json) -> tuple[ServicePort, ...]:
    """The ports of a Service."""
    return tuple(
        ServicePort(
            name=text_at(each, "name"),
            port=number_at(each, "port"),
            target=str(each.get("targetPort", ""))[:63],
        )
        for each in list_at(service, "spec", "ports")
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One ready address behind a Service: where it runs, the pod if it is one's, and the ports
    with their names.
    """

    address: str
    node: str
    pod: str = ""
    ports: tuple[tuple[str, int | None], ...] = ()

    @property
    def port_names(self) -> tuple[str, ...]:
        return tuple(name for name, _number in self.ports)

    def number_of(self, name: str) -> int | None:
        """The port with this name."""
        return next((number for found, number in self.ports if found == name), None)


def ready_endpoints(objects: Iterable[Json]) -> tuple[Endpoint, ...]:
    """The ready addresses in EndpointSlices, or in an Endpoints object of older clusters."""
    found: list[Endpoint] = []
    for each in objects:
        if "subsets" in each:
            found.extend(_of_endpoints(each))
        else:
            found.extend(_of_slice(each))
    return tuple(found)


def _of_slice(document: Json) -> Iterable[Endpoint]:
    ports = _ports_of(document)
    for endpoint in list_at(document, "endpoints"):
        # A missing `ready` means ready (discovery.k8s.io/v1 EndpointConditions).
        if value_at(endpoint, "conditions", "ready") is False:
            continue
        addresses = endpoint.get("addresses")
        for address in addresses if isinstance(addresses, list) else ():
            node = text_at(endpoint, "nodeName")
            pod = _pod_of(endpoint)
            yield Endpoint(address=str(address)[:64], node=node, pod=pod, ports=ports)


def _of_endpoints(document: Json) -> Iterable[Endpoint]:
    for subset in list_at(document, "subsets"):
        ports = _ports_of(subset)
        for address in list_at(subset, "addresses"):
            node = text_at(address, "nodeName")
            pod = _pod_of(address)
            yield Endpoint(address=text_at(address, "ip"), node=node, pod=pod, ports=ports)


def _pod_of(endpoint: Json) -> str:
    """The name of the pod that it points to, empty where it points to none."""
    kind = text_at(endpoint, "targetRef", "kind")
    return text_at(endpoint, "targetRef", "name") if kind == "Pod" else ""


def _ports_of(document: Json) -> tuple[tuple[str, int | None], ...]:
    return tuple(
        (text_at(port, "name"), number_at(port, "port")) for port in list_at(document, "ports")
    )
