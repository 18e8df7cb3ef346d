"""NetworkPolicies (networking.k8s.io/v1): whether they let a control plane in to a pod's port.

kube-apiserver is no pod, so a rule that admits pods or namespaces alone does not admit it.
"""

from __future__ import annotations

from collections.abc import Iterable

from aggportal.doctor.objects import (
    Json,
    labels_of,
    list_at,
    mapping_at,
    number_at,
    text_at,
    texts_at,
    value_at,
)


def selecting(policies: Iterable[Json], pod: Json) -> tuple[Json, ...]:
    """The policies that limit who may connect to `pod`."""
    return tuple(
        each
        for each in policies
        if _limits_ingress(each) and selects(value_at(each, "spec", "podSelector"), labels_of(pod))
    )


def admits(policies: Iterable[Json], pod: Json, port: int) -> bool:
    """Whether one of the policies that select `pod` opens `port` to others than pods.

    A rule for address blocks counts: which addresses a control plane has is not known here.
    """
    return any(
        _from_outside(rule) and _opens(rule, pod, port)
        for policy in policies
        for rule in list_at(policy, "spec", "ingress")
    )


def selects(selector: object, labels: dict[str, str]) -> bool:
    """LabelSelector: an empty one selects everything."""
    if any(labels.get(k) != v for k, v in mapping_at(selector, "matchLabels").items()):
        return False
    return all(_matches(each, labels) for each in list_at(selector, "matchExpressions"))


def target_port(service_target: str, number: int | None, pod: Json) -> int | None:
    """The number of a Service's `targetPort` (a number, a name, or empty: the port itself)."""
    if service_target.isdigit():
        return int(service_target)
    return _named(pod, service_target) if service_target else number


def _limits_ingress(policy: Json) -> bool:
    types = texts_at(policy, "spec", "policyTypes")
    return not types or "Ingress" in types


def _matches(expression: Json, labels: dict[str, str]) -> bool:
    value = labels.get(text_at(expression, "key"))
    values = texts_at(expression, "values")
    match text_at(expression, "operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def _from_outside(rule: Json) -> bool:
    peers = list_at(rule, "from")
    return not peers or any(value_at(peer, "ipBlock") is not None for peer in peers)


def _opens(rule: Json, pod: Json, port: int) -> bool:
    ports = list_at(rule, "ports")
    return not ports or any(_is_port(each, pod, port) for each in ports)


def _is_port(allowed: Json, pod: Json, port: int) -> bool:
    if text_at(allowed, "protocol") not in {"", "TCP"}:
        return False
    name = text_at(allowed, "port")
    first = _named(pod, name) if name else number_at(allowed, "port")
    if first is None:
        return not name
    last = number_at(allowed, "endPort") or first
    return first <= port <= last


def _named(pod: Json, name: str) -> int | None:
    for container in list_at(pod, "spec", "containers"):
        for port in list_at(container, "ports"):
            if text_at(port, "name") == name:
                return number_at(port, "containerPort")
    return None
