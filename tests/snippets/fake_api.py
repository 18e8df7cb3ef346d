"""An API server with memory for every kind of object, behind real TLS; it runs no controllers."""

from __future__ import annotations

import copy
import itertools
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.kube.servers import Asked, answer, status_object

Raw = dict[str, Any]
_INSIDE = re.compile(r"/namespaces/([^/]+)/[^/]+")
_KINDS = {"namespaces", "apiservices", "clusterroles", "clusterrolebindings", "flowschemas"}
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}


@dataclass(kw_only=True)
class FakeApi:
    """A script for `ScriptedServer`. `refuses` holds "VERB RESOURCE" that it does not allow,
    `unserved` the resources that it does not know.

    `ready` gives objects the status that controllers would give them.
    """

    objects: dict[str, Raw] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    unserved: set[str] = field(default_factory=set)
    ready: bool = True
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)

    def put(self, path: str, document: Raw) -> Raw:
        """Write an object as its controllers would leave it."""
        kept = copy.deepcopy(document)
        metadata = kept.setdefault("metadata", {})
        metadata.setdefault("uid", f"uid-{next(self._numbers)}")
        metadata.setdefault("generation", 1)
        metadata["resourceVersion"] = str(next(self._numbers))
        if kept.get("kind") == "Namespace":
            kept.setdefault("status", {"phase": "Active"})
        self.objects[path] = kept
        if self.ready:
            self.make_ready()
        return kept

    def make_ready(self) -> None:
        """Do at once what controllers do in time."""
        self.ready = True
        for path, each in list(self.objects.items()):
            if each.get("kind") == "Deployment":
                count = each["spec"]["replicas"]
                numbers = {"availableReplicas": count, "updatedReplicas": count}
                each["status"] = {"observedGeneration": 1, **numbers}
            elif each.get("kind") == "Service":
                endpoints = path.replace("/services/", "/endpoints/")
                self.objects[endpoints] = {"subsets": [{"addresses": [{"ip": "192.0.2.1"}]}]}
            elif each.get("kind") == "APIService":
                passed = {"type": "Available", "status": "True", "reason": "Passed"}
                each["status"] = {"conditions": [passed]}

    def __call__(self, conn: socket.socket, asked: Asked) -> None:
        if asked.path.endswith("/selfsubjectaccessreviews"):
            about = json.loads(asked.body)["spec"]["resourceAttributes"]
            allowed = f"{about['verb']} {about['resource']}" not in self.refuses
            answer(conn, 201, {"status": {"allowed": allowed}})
            return
        resource = self._resource(asked)
        if f"{_VERBS[asked.method]} {resource}" in self.refuses:
            answer(conn, 403, status_object(403, "Forbidden", f"may not touch {resource}"))
            return
        if resource in self.unserved:
            text = "the server could not find the requested resource"
            answer(conn, 404, status_object(404, "NotFound", text))
            return
        status, document = self._answer(asked)
        answer(conn, status, document)

    def _answer(self, asked: Asked) -> tuple[int, Raw]:
        dry = "dryRun" in asked.target or b"dryRun" in asked.body
        if asked.method == "POST":
            return self._create(asked.path, json.loads(asked.body), dry=dry)
        present = self.objects.get(asked.path)
        if present is None:
            return self._listed(asked.path)
        if asked.method == "PUT":
            document = json.loads(asked.body)
            if document["metadata"]["resourceVersion"] != present["metadata"]["resourceVersion"]:
                return 409, status_object(409, "Conflict", "the object has been modified")
            self.written += [] if dry else [asked.path]
            return 200, document if dry else self.put(asked.path, document)
        if asked.method == "DELETE" and not dry:
            self.written.append(asked.path)
            del self.objects[asked.path]
        return 200, present

    def _create(self, collection: str, document: Raw, *, dry: bool) -> tuple[int, Raw]:
        inside = re.search(r"/namespaces/([^/]+)/", collection)
        home = f"/api/v1/namespaces/{inside[1]}" if inside else ""
        if inside and inside[1] != "kube-system" and home not in self.objects:
            return 404, status_object(404, "NotFound", f'namespaces "{inside[1]}" not found')
        path = f"{collection}/{document['metadata']['name']}"
        if path in self.objects:
            return 409, status_object(409, "AlreadyExists", "already exists")
        if dry:
            return 201, document
        self.written.append(path)
        return 201, self.put(path, document)

    def _listed(self, path: str) -> tuple[int, Raw]:
        """Discovery and lists, as far as looking through a namespace needs them."""
        if path == "/apis":
            return 200, {"groups": []}
        if path == "/api/v1":
            verbs = {"namespaced": True, "verbs": ["list"]}
            names = ("configmaps", "secrets", "services")
            return 200, {"resources": [{"name": name, **verbs} for name in names]}
        if _INSIDE.search(path) and path.count("/") == 5:
            within = [each for key, each in self.objects.items() if key.startswith(f"{path}/")]
            return 200, {"items": within}
        return 404, status_object(404, "NotFound", "not found")

    @staticmethod
    def _resource(asked: Asked) -> str:
        parts = asked.path.strip("/").split("/")
        known = [each for each in parts if each in _KINDS]
        inside = parts.index("namespaces") + 2 if "namespaces" in parts else 0
        if inside and len(parts) > inside:
            return parts[inside]
        return known[0] if known else parts[-1]


def kinds(fake: FakeApi) -> list[str]:
    """The resources that were written, in order."""
    return [path.split("/")[-2] for path in fake.written]


def described(objects: Mapping[str, Raw], resource: str) -> Raw:
    """The one object of a resource."""
    return next(each for path, each in objects.items() if path.split("/")[-2] == resource)
