"""A FlowSchema for the reviews that every request to an extension API server costs.

Without it they share a queue with everybody's controllers, and a busy one slows all requests down.
"""

from __future__ import annotations

from typing import Any

from aggportal.kube.studio.described import Extension
from aggportal.kube.studio.labels import labelled, subject

# flowcontrol.apiserver.k8s.io as it was served, newest first: version, first and last 1.minor.
_VERSIONS = (
    ("v1", 29, None),
    ("v1beta3", 26, 31),
    ("v1beta2", 23, 28),
    ("v1beta1", 20, 25),
)
_REVIEWS = (
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
)


def flow_schema(extension: Extension) -> dict[str, Any]:
    """Return one that sends the server's reviews to the level `workload-high`."""
    version = next(version for version, since, _until in _VERSIONS if extension.minor >= since)
    account = subject(extension)
    who = {
        "kind": "ServiceAccount",
        "serviceAccount": {"name": account["name"], "namespace": account["namespace"]},
    }
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": ["create"], "clusterScope": True}
        for group, resource in _REVIEWS
    ]
    return {
        "apiVersion": f"flowcontrol.apiserver.k8s.io/{version}",
        "kind": "FlowSchema",
        "metadata": labelled(extension, name=f"{extension.name}-access-reviews"),
        "spec": {
            "matchingPrecedence": 1000,
            "priorityLevelConfiguration": {"name": "workload-high"},
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [{"subjects": [who], "resourceRules": rules}],
        },
    }


def flow_schema_served(extension: Extension) -> tuple[int, int | None]:
    """Return the first and the last 1.minor that serve the chosen version; None is open."""
    return next((since, until) for _version, since, until in _VERSIONS if extension.minor >= since)
