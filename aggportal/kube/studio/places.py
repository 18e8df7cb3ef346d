"""Where an object of the set lies in the API, and by what it is known as ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggportal.kube.studio.manifests import Manifest

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "aggportal"
# Which set it is of, as NAMESPACE/NAME: two sets of one name meet in what is the cluster's own.
SET = "aggportal/extension"
_PLURALS = {
    "APIService": "apiservices",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Deployment": "deployments",
    "FlowSchema": "flowschemas",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "RoleBinding": "rolebindings",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
}

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One object by its coordinates; `namespace` is empty for what is the cluster's own."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        inside = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {inside}{self.name}"

    @property
    def group(self) -> str:
        """The API group, empty for the core."""
        return self.api_version.partition("/")[0] if "/" in self.api_version else ""

    @property
    def resource(self) -> str:
        return _PLURALS[self.kind]

    @property
    def collection(self) -> str:
        """The path of all objects of its kind, in its namespace."""
        root = "apis" if self.group else "api"
        inside = f"namespaces/{self.namespace}/" if self.namespace else ""
        return f"/{root}/{self.api_version}/{inside}{self.resource}"

    @property
    def path(self) -> str:
        return f"{self.collection}/{self.name}"


def place_of(manifest: Manifest) -> Place:
    """Return where the object of the set belongs."""
    return Place(
        api_version=str(manifest.document["apiVersion"]),
        kind=manifest.kind,
        name=manifest.name,
        namespace=manifest.namespace,
    )


def marked(manifest: Manifest, *, of: str) -> dict[str, Any]:
    """Return its document with the marks by which it is known as part of the set `of`."""
    metadata = dict(manifest.document["metadata"])
    metadata["labels"] = {**metadata.get("labels", {}), MANAGED_BY: MANAGER}
    metadata["annotations"] = {**metadata.get("annotations", {}), SET: of}
    return {**manifest.document, "metadata": metadata}


def is_ours(present: Json, *, of: str) -> bool:
    """Whether the object in the cluster has the marks of the set `of`."""
    metadata = part(present, "metadata")
    labels, annotations = part(metadata, "labels"), part(metadata, "annotations")
    return labels.get(MANAGED_BY) == MANAGER and annotations.get(SET) == of


def uid_of(present: Json) -> str:
    return str(part(present, "metadata").get("uid") or "")[:64]


def part(document: Json, name: str) -> Json:
    """Return the mapping under `name`, an empty one where there is none."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def holds(present: object, asked: object) -> bool:
    """Whether `present` says all that `asked` says; what the server adds by itself counts not."""
    if isinstance(asked, dict):
        return isinstance(present, dict) and all(
            holds(present.get(key), value) for key, value in asked.items()
        )
    if isinstance(asked, list):
        return (
            isinstance(present, list)
            and len(present) == len(asked)
            and all(holds(one, other) for one, other in zip(present, asked, strict=True))
        )
    return present == asked


def merged(present: Json, asked: Json) -> dict[str, Any]:
    """Return `present` with what `asked` says; lists are replaced as wholes (RFC 7386).

    It keeps `metadata.resourceVersion`, so that replacing fails where it changed meanwhile.
    """
    found = dict(present)
    for key, value in asked.items():
        before = found.get(key)
        both = isinstance(value, dict) and isinstance(before, dict)
        found[key] = merged(before, value) if both else value  # type: ignore[arg-type]  # both are
    return found
