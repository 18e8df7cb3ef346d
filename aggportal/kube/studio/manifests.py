"""The objects of the set as data, in the order in which they are to be applied."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from aggportal.kube.registering import build_manifest
from aggportal.kube.studio import workloads
from aggportal.kube.studio.described import (
    PRESENT_NAMESPACES,
    Extension,
    require_describable,
)
from aggportal.kube.studio.flows import flow_schema
from aggportal.kube.studio.labels import REGISTRATION, labelled, metadata, subject

_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingPair:
    """What goes into the Secret, PEM: the certificate with its intermediates, its key, its root."""

    certificate_pem: str
    key_pem: str = field(repr=False)
    root_pem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One object; `key` says what it is for and begins its file's name."""

    key: str
    document: dict[str, Any] = field(repr=False)

    @property
    def kind(self) -> str:
        return str(self.document["kind"])

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Where it lies; empty for an object of the whole cluster."""
        return str(self.document["metadata"].get("namespace", ""))

    @property
    def is_secret(self) -> bool:
        return self.kind == "Secret"


def manifests(
    extension: Extension, *, ca_pem: str, pair: ServingPair | None = None
) -> tuple[Manifest, ...]:
    """Return the whole set in order, the APIService last. Without `pair` the Secret has no data.

    Raises `InvalidExtensions`, and `InvalidRegistrations` for a `ca_pem` that holds no certificate.
    """
    require_describable(extension)
    found: list[tuple[str, dict[str, Any]]] = []
    if extension.namespace not in PRESENT_NAMESPACES:
        found.append(("namespace", _namespace(extension)))
    found += [
        ("service-account", _service_account(extension)),
        ("auth-delegator", _auth_delegator(extension)),
        ("auth-reader", _auth_reader(extension)),
        ("cluster-role", _cluster_role(extension)),
        ("cluster-role-binding", _cluster_role_binding(extension)),
        ("secret", _secret(extension, pair)),
        ("deployment", workloads.deployment(extension)),
        ("service", workloads.service(extension)),
    ]
    # With a single replica a budget would hold up every drain of its node.
    if extension.replicas > 1:
        found.append(("disruption-budget", workloads.disruption_budget(extension)))
    found.append(("network-policy", workloads.network_policy(extension)))
    if extension.flow_schema:
        found.append(("flow-schema", flow_schema(extension)))
    found += [
        ("view-role", _aggregated_role(extension, "view", _READ)),
        ("edit-role", _aggregated_role(extension, "edit", _WRITE)),
        ("apiservice", _apiservice(extension, ca_pem)),
    ]
    return tuple(Manifest(key=key, document=document) for key, document in found)


def _object(api_version: str, kind: str, metadata: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _namespace(extension: Extension) -> dict[str, Any]:
    return _object("v1", "Namespace", labelled(extension, name=extension.namespace))


def _service_account(extension: Extension) -> dict[str, Any]:
    return _object("v1", "ServiceAccount", metadata(extension))


def _auth_delegator(extension: Extension) -> dict[str, Any]:
    """It may ask kube-apiserver who somebody is and what they may do."""
    return _object(
        f"{_RBAC}/v1",
        "ClusterRoleBinding",
        labelled(extension, name=f"{extension.name}:system:auth-delegator"),
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": "system:auth-delegator"},
        subjects=[subject(extension)],
    )


def _auth_reader(extension: Extension) -> dict[str, Any]:
    """It may read `extension-apiserver-authentication`: whom to believe as front proxy."""
    return _object(
        f"{_RBAC}/v1",
        "RoleBinding",
        labelled(extension, name=f"{extension.name}-auth-reader", namespace="kube-system"),
        roleRef={
            "apiGroup": _RBAC,
            "kind": "Role",
            "name": "extension-apiserver-authentication-reader",
        },
        subjects=[subject(extension)],
    )


def _cluster_role(extension: Extension) -> dict[str, Any]:
    """What every server on k8s.io/apiserver watches: admission and priority and fairness."""
    admission = [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ]
    flows = ["prioritylevelconfigurations", "flowschemas"]
    return _object(
        f"{_RBAC}/v1",
        "ClusterRole",
        labelled(extension, name=f"{extension.name}:generic-apiserver"),
        rules=[
            _rule("", ["namespaces"], _READ),
            _rule("admissionregistration.k8s.io", admission, _READ),
            _rule("flowcontrol.apiserver.k8s.io", flows, _READ),
        ],
    )


def _cluster_role_binding(extension: Extension) -> dict[str, Any]:
    name = f"{extension.name}:generic-apiserver"
    return _object(
        f"{_RBAC}/v1",
        "ClusterRoleBinding",
        labelled(extension, name=name),
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        subjects=[subject(extension)],
    )


def _aggregated_role(extension: Extension, role: str, verbs: list[str]) -> dict[str, Any]:
    """Whoever has `role` on a namespace (view, edit, and admin above it) has it on the group."""
    aggregate = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true"}
    if role == "edit":
        aggregate["rbac.authorization.k8s.io/aggregate-to-admin"] = "true"
    meta = labelled(extension, name=f"{extension.name}:{role}")
    meta["labels"] |= aggregate
    resources = list(extension.resources) or ["*"]
    return _object(
        f"{_RBAC}/v1", "ClusterRole", meta, rules=[_rule(extension.group, resources, verbs)]
    )


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}


def _secret(extension: Extension, pair: ServingPair | None) -> dict[str, Any]:
    found = _object(
        "v1", "Secret", metadata(extension, name=extension.secret), type="kubernetes.io/tls"
    )
    if pair is not None:
        contents = {
            "tls.crt": pair.certificate_pem,
            "tls.key": pair.key_pem,
            "ca.crt": pair.root_pem,
        }
        found["data"] = {
            key: base64.b64encode(text.encode()).decode("ascii") for key, text in contents.items()
        }
    return found


def _apiservice(extension: Extension, ca_pem: str) -> dict[str, Any]:
    found = build_manifest(extension.registration(ca_pem))
    found["metadata"] = labelled(extension, name=extension.apiservice)
    found["metadata"]["labels"]["app.kubernetes.io/component"] = REGISTRATION
    return found
