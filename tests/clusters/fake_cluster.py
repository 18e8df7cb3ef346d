"""An API server with memory, behind real TLS: version, APIServices with watch, access reviews."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import queue
import socket
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aggportal.kube.apiservices import APISERVICES_PATH
from tests.kube.servers import Asked, answer, chunked, status_object

Raw = dict[str, Any]


def raw_apiservice(
    name: str,
    *,
    status: str = "True",
    reason: str = "Passed",
    message: str = "all checks passed",
    service: str = "demo/api:443",
    since: str = "2026-01-01T00:00:00Z",
    **spec: Any,
) -> Raw:
    """An APIService as a cluster would give it; `service` empty makes it local."""
    version, _, group = name.partition(".")
    body: Raw = {"group": group, "version": version, "groupPriorityMinimum": 1000}
    body |= {"versionPriority": 15, **spec}
    if service:
        namespace, _, rest = service.partition("/")
        backend, _, port = rest.partition(":")
        body["service"] = {"namespace": namespace, "name": backend, "port": int(port)}
    condition = {"type": "Available", "status": status, "reason": reason, "message": message}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": "1"},
        "spec": body,
        "status": {"conditions": [condition | {"lastTransitionTime": since}]},
    }


def local_apiservice(name: str) -> Raw:
    """One that kube-apiserver serves itself."""
    raw = raw_apiservice(
        name, reason="Local", message="Local APIServices are always available", service=""
    )
    raw["metadata"]["labels"] = {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    return raw


def merge(target: Raw, patch: Raw) -> Raw:
    """A merge patch (RFC 7386), applied to a copy."""
    merged = copy.deepcopy(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = merge(merged.get(key) or {}, value)
        else:
            merged[key] = value
    return merged


@dataclass(kw_only=True)
class FakeCluster:
    """A script for `ScriptedServer`. `refuses` names verbs that access reviews and doors deny."""

    items: dict[str, Raw] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    git_version: str = "v1.31.4"
    token: str | None = None
    # By path: Secrets that can be read and written, and whatever else is only read.
    secrets: dict[str, Raw] = field(default_factory=dict)
    objects: dict[str, Raw] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._versions = itertools.count(100)
        self._history: list[tuple[int, Raw]] = []
        self._watchers: list[queue.SimpleQueue[Raw | None]] = []
        self._lock = threading.Lock()

    # What a test does to the cluster

    def put(self, raw: Raw) -> Raw:
        """Add or change an object; watchers hear of it."""
        with self._lock:
            kind = "MODIFIED" if raw["metadata"]["name"] in self.items else "ADDED"
            kept = copy.deepcopy(raw)
            self.items[kept["metadata"]["name"]] = kept
            self._tell(kind, kept)
            return kept

    def remove(self, name: str) -> None:
        """Delete an object; watchers hear of it."""
        with self._lock:
            self._tell("DELETED", copy.deepcopy(self.items.pop(name)))

    def _tell(self, kind: str, raw: Raw) -> None:
        version = next(self._versions)
        raw["metadata"]["resourceVersion"] = str(version)
        event = {"type": kind, "object": raw}
        self._history.append((version, event))
        for watcher in self._watchers:
            watcher.put(event)

    # What the API server answers

    def __call__(self, conn: socket.socket, asked: Asked) -> None:
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            answer(conn, 401, status_object(401, "Unauthorized", "Unauthorized"))
        elif asked.path == "/version":
            answer(conn, 200, {"gitVersion": self.git_version, "major": "1", "minor": "31"})
        elif asked.path.endswith("/selfsubjectaccessreviews"):
            self._review(conn, json.loads(asked.body))
        elif asked.path.endswith("/selfsubjectreviews"):
            info = {"username": "system:serviceaccount:aggportal:aggportal", "groups": ["sa"]}
            answer(conn, 201, {"status": {"userInfo": info}})
        elif asked.path.startswith(APISERVICES_PATH):
            self._apiservices(conn, asked)
        elif "/secrets" in asked.path:
            self._secrets(conn, asked)
        elif asked.path in self.objects:
            answer(conn, 200, self.objects[asked.path])
        else:
            answer(conn, 404, status_object(404, "NotFound", "not found"))

    def _review(self, conn: socket.socket, review: Raw) -> None:
        spec = review["spec"]
        verb = (spec.get("resourceAttributes") or spec.get("nonResourceAttributes"))["verb"]
        answer(conn, 201, {**review, "status": {"allowed": verb not in self.refuses}})

    def _apiservices(self, conn: socket.socket, asked: Asked) -> None:
        name = asked.path.removeprefix(APISERVICES_PATH).strip("/")
        query = parse_qs(urlsplit(asked.target).query)
        verbs = {
            "GET": "get",
            "POST": "create",
            "PUT": "update",
            "PATCH": "patch",
            "DELETE": "delete",
        }
        if verbs[asked.method] in self.refuses:
            answer(conn, 403, status_object(403, "Forbidden", "this account may not"))
        elif asked.method == "GET" and "watch" in query:
            self._watch(conn, since=int(query["resourceVersion"][0]))
        elif asked.method == "GET" and not name:
            with self._lock:
                metadata = {"resourceVersion": str(next(self._versions))}
                body = {"metadata": metadata, "items": list(self.items.values())}
            answer(conn, 200, body)
        elif asked.method == "POST":
            self._write(conn, json.loads(asked.body), new=True, dry="dryRun" in query)
        elif name not in self.items:
            answer(conn, 404, status_object(404, "NotFound", f"{name} not found"))
        elif asked.method == "GET":
            answer(conn, 200, self.items[name])
        elif asked.method == "PUT":
            self._write(conn, json.loads(asked.body), new=False, dry="dryRun" in query)
        elif asked.method == "PATCH":
            merged = merge(self.items[name], json.loads(asked.body))
            self._write(conn, merged, new=False, dry="dryRun" in query)
        else:
            self._delete(conn, name, json.loads(asked.body or b"{}"))

    def _secrets(self, conn: socket.socket, asked: Asked) -> None:
        """Read, created and merged into; the private key of a trial is to be empty."""
        present, dry = self.secrets.get(asked.path), "dryRun" in asked.target
        body = json.loads(asked.body or b"{}")
        if "secrets" in self.refuses:
            answer(conn, 403, status_object(403, "Forbidden", "may not touch secrets"))
        elif asked.method == "POST":
            path = f"{asked.path}/{body['metadata']['name']}"
            if path in self.secrets:
                answer(conn, 409, status_object(409, "AlreadyExists", "already exists"))
                return
            self._keep_secret(conn, path, body, dry=dry)
        elif present is None:
            answer(conn, 404, status_object(404, "NotFound", "no such secret"))
        elif asked.method == "GET":
            answer(conn, 200, present)
        elif body["metadata"]["resourceVersion"] != present["metadata"]["resourceVersion"]:
            answer(conn, 409, status_object(409, "Conflict", "the object has been modified"))
        else:
            self._keep_secret(conn, asked.path, merge(present, body), dry=dry)

    def _keep_secret(self, conn: socket.socket, path: str, raw: Raw, *, dry: bool) -> None:
        if not dry:
            raw["metadata"] |= {"uid": f"uid-{path}", "resourceVersion": str(next(self._versions))}
            self.secrets[path] = raw
        answer(conn, 200, raw)

    def _write(self, conn: socket.socket, raw: Raw, *, new: bool, dry: bool) -> None:
        name = raw["metadata"]["name"]
        present = self.items.get(name)
        if new and present is not None:
            text = f'apiservices "{name}" already exists'
            answer(conn, 409, status_object(409, "AlreadyExists", text))
            return
        wanted = raw["metadata"].get("resourceVersion")
        if present and wanted and wanted != present["metadata"]["resourceVersion"]:
            answer(conn, 409, status_object(409, "Conflict", "the object has been modified"))
            return
        raw["metadata"].setdefault("uid", f"uid-{name}-{next(self._versions)}")
        answer(conn, 201 if new else 200, raw if dry else self.put(raw))

    def _delete(self, conn: socket.socket, name: str, options: Raw) -> None:
        uid = options.get("preconditions", {}).get("uid")
        if uid and uid != self.items[name]["metadata"]["uid"]:
            answer(conn, 409, status_object(409, "Conflict", "Precondition failed: UID"))
            return
        if "dryRun" not in options:
            self.remove(name)
        answer(conn, 200, {"kind": "Status", "status": "Success"})

    def _watch(self, conn: socket.socket, *, since: int) -> None:
        events: queue.SimpleQueue[Raw | None] = queue.SimpleQueue()
        with self._lock:
            for version, event in self._history:
                if version > since:
                    events.put(event)
            self._watchers.append(events)
        try:
            send = chunked(conn)
            while (heard := events.get()) is not None:
                send(json.dumps(heard).encode() + b"\n")
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._watchers.remove(events)

    def end_watches(self) -> None:
        """Let go of every watch, so that no thread waits for ever."""
        with self._lock:
            for watcher in self._watchers:
                watcher.put(None)
