"""What every object of the set says of itself, and by what the pods are found."""

from __future__ import annotations

from typing import Any

from aggportal.kube.studio.described import Extension

# The component of the APIService, by which it is left out until the server is ready.
REGISTRATION = "registration"


def labelled(extension: Extension, **rest: str) -> dict[str, Any]:
    """Return metadata with our labels."""
    return {**rest, "labels": {"app.kubernetes.io/name": extension.name}}


def metadata(extension: Extension, *, name: str = "") -> dict[str, Any]:
    """Return metadata of an object in the server's own namespace."""
    return labelled(extension, name=name or extension.name, namespace=extension.namespace)


def selected(extension: Extension) -> dict[str, str]:
    """Return the labels by which Service, budget and policy find the pods."""
    return {"app": extension.name}


def subject(extension: Extension) -> dict[str, str]:
    """Return its ServiceAccount as an RBAC subject."""
    return {
        "kind": "ServiceAccount",
        "name": extension.name,
        "namespace": extension.namespace,
    }
