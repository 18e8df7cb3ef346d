"""What happens on the cluster's own side: accounts, people, and the condition as it changes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import yaml

from aggportal.kube.apiservices import APISERVICES_PATH, parse_apiservice
from aggportal.kube.errors import Conflict
from tests.e2e.control_plane import ControlPlane, ExtensionServer
from tests.kube.tls import Pair

APISERVICE = "v1alpha1.wardle.example.com"
FLUNDERS = "/apis/wardle.example.com/v1alpha1/namespaces/default/flunders"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "Role": f"{RBAC}/namespaces/{{namespace}}/roles",
    "RoleBinding": f"{RBAC}/namespaces/{{namespace}}/rolebindings",
}

Json = dict[str, Any]


def apply_documents(plane: ControlPlane, text: str) -> list[Json]:
    """Do what `kubectl apply -f -` does with the YAML that the portal prints."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    for document in documents:
        metadata = document["metadata"]
        path = _PATHS[document["kind"]].format(namespace=metadata.get("namespace", ""))
        try:
            plane.client().create(path, document)
        except Conflict:
            plane.client().replace(f"{path}/{metadata['name']}", document)
    return documents


def token_for(plane: ControlPlane, *, namespace: str, name: str) -> str:
    """Do what `kubectl create token` does."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token: str = plane.client().create(path, request)["status"]["token"]
    return token


def let_create_flunders(plane: ControlPlane, user: str) -> Pair:
    """A person who may create and read flunders and nothing else, by client certificate."""
    verbs = ["create", "get", "list"]
    rule = {"apiGroups": ["wardle.example.com"], "resources": ["flunders"], "verbs": verbs}
    role: Json = {"kind": "ClusterRole", "metadata": {"name": f"{user}-flunders"}, "rules": [rule]}
    binding: Json = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{user}-flunders"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": f"{user}-flunders",
        },
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }
    for document in (role, binding):
        plane.client().create(
            _PATHS[document["kind"]], {"apiVersion": "rbac.authorization.k8s.io/v1", **document}
        )
    return plane.authority.client(user, "fishers")


def users_in_audit(extension: ExtensionServer) -> dict[str, set[str]]:
    """Who reached the extension server's flunders, by its own audit log: user → groups."""
    events = [json.loads(line) for line in extension.audit_log.read_text().splitlines()]
    asked = [event for event in events if "/flunders" in event["requestURI"]]
    return {event["user"]["username"]: set(event["user"]["groups"]) for event in asked}


def status(plane: ControlPlane) -> str:
    """The APIService's Available status, read from the API server itself."""
    raw = plane.client().get_json(f"{APISERVICES_PATH}/{APISERVICE}")
    return parse_apiservice(raw).availability.status


def moment_of(plane: ControlPlane, wanted: str, seconds: float) -> float:
    """When (monotonic seconds) the API server itself first says that the status is `wanted`."""
    wait_until(lambda: status(plane) == wanted, seconds, pause=0.05)
    return time.monotonic()


def wait_until(wanted: Callable[[], bool], seconds: float, *, pause: float = 0.1) -> None:
    ends = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < ends, "it did not come"
        time.sleep(pause)


def touch_service(plane: ControlPlane) -> None:
    """Change the Service's annotations: the availability controller then checks at once."""
    path = "/api/v1/namespaces/wardle/services/api"
    service = plane.client().get_json(path)
    annotations = service["metadata"].setdefault("annotations", {})
    annotations["e2e.example.com/touched"] = str(time.monotonic())
    plane.client().replace(path, service)
