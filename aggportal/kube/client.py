"""The one door to an API server.

Raw JSON in, plain values out. Every exchange has a deadline as a whole and a size limit, verifies
TLS, follows no redirect, uses no proxy or kubeconfig of the environment, and fails with one of our
own errors. The `kubernetes` package is imported at the first exchange, since it is heavy.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aggportal.kube.answers import Asked as Asked
from aggportal.kube.answers import Identity as Identity
from aggportal.kube.answers import Json, Listing
from aggportal.kube.answers import RawAnswer as RawAnswer
from aggportal.kube.answers import Timeouts as Timeouts
from aggportal.kube.answers import Version as Version
from aggportal.kube.connections import Connection
from aggportal.kube.egress import EgressPolicy, Resolve
from aggportal.kube.errors import Gone, InvalidInput, NotFound, NotKubernetes, TimedOut
from aggportal.kube.permissions import Access, AccessRule
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from aggportal.kube.door import Call, Door, Request, Send
    from aggportal.kube.places import PodPort
    from aggportal.kube.portforward import Forward
    from aggportal.kube.streams import WatchStream

MAX_BODY = 1_000_000
MAX_LIST = 10_000_000
MAX_ALL_PAGES = 32_000_000
PAGE = 500
FIELD_MANAGER = "aggportal"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
_PATH = re.compile(r"(?:/[A-Za-z0-9._:-]+)+")
_IMPORTING = threading.Lock()
_AUTHORIZATION = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_REVIEWS = tuple(
    f"/apis/authentication.k8s.io/{version}/selfsubjectreviews" for version in ("v1", "v1beta1")
)


class ApiClient:
    """One cluster's API server. Safe to use from several threads at once."""

    def __init__(
        self,
        connection: Connection,
        *,
        egress: EgressPolicy,
        timeouts: Timeouts | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self.connection = connection
        self.timeouts = timeouts or Timeouts()
        # Where several exchanges share one deadline: the `time.monotonic()` that none outlasts.
        self.ends_at = math.inf
        self._egress = egress
        self._resolve = resolve
        self._lock = threading.Lock()
        self._opened: Door | None = None

    # Reading

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """The JSON object at `path`, at most 1 MB."""
        return self._json("GET", path, params)

    def get_raw(self, path: str, *, asked: Asked | None = None) -> RawAnswer:
        """Status and beginning of whatever is at `path`; raises only if no answer came."""
        from aggportal.kube.failures import without_secret

        how = asked or Asked()
        request = replace(_request("GET", path, how.params), accept=how.accept)
        with self._door().send(
            request, seconds=self._left(how.seconds or self.timeouts.total)
        ) as answer:
            text = answer.prefix(how.limit).decode("utf-8", "replace")
            return RawAnswer(status=answer.status, text=without_secret(text, answer.secret))

    def list_pages(self, path: str) -> Listing:
        """The whole collection, 500 items a page; begins again once if it expires midway (410)."""
        try:
            return self._list(path)
        except Gone:
            return self._list(path)

    def watch(self, path: str, resource_version: str, *, window: int = 170) -> WatchStream:
        """Changes since `resource_version` for `window` seconds; see `WatchStream`."""
        from aggportal.kube.streams import WatchStream

        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(window),
        }
        return WatchStream(
            self._door(),
            _request("GET", path, params),
            window=window,
            seconds=self.timeouts.total,
        )

    def version(self) -> Version:
        """The server's version; also the lightest question that proves a Kubernetes API server."""
        doc = self.get_json("/version")
        words = [doc.get(name) for name in ("gitVersion", "major", "minor")]
        if not isinstance(words[0], str) or not words[0]:
            raise self._not_kubernetes()
        git_version, major, minor = (str(word or "")[:64] for word in words)
        return Version(git_version=git_version, major=major, minor=minor)

    # Writing

    def create(self, path: str, body: Json, *, dry_run: bool = False) -> Json:
        """POST a new object to a collection; Conflict when it exists."""
        return self._json("POST", path, _write_params(dry_run=dry_run), body)

    def replace(self, path: str, body: Json, *, dry_run: bool = False) -> Json:
        """PUT an object; with `metadata.resourceVersion` in it, Conflict when it changed since."""
        return self._json("PUT", path, _write_params(dry_run=dry_run), body)

    def apply(self, path: str, body: Json, *, force: bool = False, dry_run: bool = False) -> Json:
        """Server-side apply as field manager `aggportal`; Conflict when others own a field.

        Not for APIServices: kube-apiserver 1.20 panics on that and breaks off the connection.
        """
        params = _write_params(dry_run=dry_run) | {"force": "true" if force else "false"}
        return self._json("PATCH", path, params, body, content_type=APPLY_PATCH)

    def patch(self, path: str, body: Json, *, dry_run: bool = False) -> Json:
        """Merge `body` into an object (RFC 7386); whoever writes what others may have written
        gives `metadata.uid` and `metadata.resourceVersion`: Conflict when it changed since.
        """
        params = _write_params(dry_run=dry_run)
        return self._json("PATCH", path, params, body, content_type=MERGE_PATCH)

    def delete(
        self, path: str, *, uid: str = "", resource_version: str = "", dry_run: bool = False
    ) -> Json:
        """DELETE, only if it is still the object that was looked at; Conflict otherwise."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body: dict[str, Any] = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {name: value for name, value in preconditions.items() if value},
        }
        if dry_run:
            body["dryRun"] = ["All"]
        return self._json("DELETE", path, None, body)

    # A port of a pod

    def forward(self, place: PodPort, *, seconds: float) -> Forward:
        """Reach a pod's port through kube-apiserver, all of it within `seconds`. Close it."""
        from aggportal.kube.portforward import Approach, open_forward

        approach = Approach(
            connection=self.connection,
            egress=self._egress,
            resolve=self._resolve,
            connect_seconds=self.timeouts.connect,
            seconds=self._left(seconds),
        )
        return open_forward(approach, place)

    # About ourselves

    def can_i(self, rules: Sequence[AccessRule]) -> tuple[Access, ...]:
        """What the API server answers to each rule (SelfSubjectAccessReview)."""
        return tuple(self._ask(rule) for rule in rules)

    def who_am_i(self) -> Identity:
        """Our user name and groups (SelfSubjectReview, Kubernetes 1.28; beta since 1.27)."""
        for path in _REVIEWS:
            review = {
                "apiVersion": path.removeprefix("/apis/").rsplit("/", 1)[0],
                "kind": "SelfSubjectReview",
            }
            try:
                doc = self._json("POST", path, None, review)
            except NotFound:
                continue
            info = _mapping(_mapping(doc, "status"), "userInfo")
            groups = info.get("groups")
            return Identity(
                username=str(info.get("username") or "")[:500],
                groups=tuple(str(each)[:500] for each in groups)
                if isinstance(groups, list)
                else (),
            )
        return Identity(
            username="",
            note=Sentence(
                text=_n("This API server is older than 1.28 and does not say who we are.")
            ),
        )

    def close(self) -> None:
        """Forget connections and resolved addresses; the next exchange begins anew."""
        with self._lock:
            self._opened = None

    # Inside

    def _door(self) -> Door:
        from aggportal.kube.door import Door

        with self._lock:
            if self._opened is None:
                self._opened = Door(
                    self.connection,
                    egress=self._egress,
                    connect_seconds=self.timeouts.connect,
                    resolve=self._resolve,
                    open_sender=_open_sender,
                )
            return self._opened

    def _json(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Json | None = None,
        *,
        content_type: str = "application/json",
    ) -> Json:
        request = replace(_request(method, path, params, body), content_type=content_type)
        with self._door().send(request, seconds=self._left(self.timeouts.total)) as answer:
            return answer.json(MAX_BODY)[0]

    def _left(self, seconds: float) -> float:
        """What of `seconds` is left before `ends_at`. Raises TimedOut when nothing is."""
        left = min(seconds, self.ends_at - time.monotonic())
        if left <= 0:
            raise TimedOut(_n("The time for all questions together was over."))
        return left

    def _not_kubernetes(self) -> NotKubernetes:
        from aggportal.kube.failures import not_kubernetes

        return not_kubernetes(host=self.connection.server.removeprefix("https://"))

    def _list(self, path: str) -> Listing:
        items: list[Json] = []
        token, left = "", MAX_ALL_PAGES
        deadline = time.monotonic() + 2 * self.timeouts.listing
        while True:
            params = {"limit": str(PAGE)} | ({"continue": token} if token else {})
            seconds = self._left(min(self.timeouts.listing, deadline - time.monotonic()))
            with self._door().send(_request("GET", path, params), seconds=seconds) as answer:
                page, size = answer.json(min(MAX_LIST, max(left, 0)))
            metadata, listed = page.get("metadata"), page.get("items")
            if not isinstance(metadata, dict) or not isinstance(listed, list | None):
                raise self._not_kubernetes()
            items.extend(each for each in listed or () if isinstance(each, dict))
            left -= max(size, 1)
            version, token = metadata.get("resourceVersion"), metadata.get("continue") or ""
            if not isinstance(version, str) or not isinstance(token, str):
                raise self._not_kubernetes()
            if not token:
                return Listing(items=tuple(items), resource_version=version)

    def _ask(self, rule: AccessRule) -> Access:
        name, _, part = rule.resource.partition("/")
        resource = {"verb": rule.verb, "group": rule.group, "resource": name}
        resource |= {"subresource": part} if part else {}
        resource |= {"namespace": rule.namespace} if rule.namespace else {}
        resource |= {"name": rule.name} if rule.name else {}
        path = {"verb": rule.verb, "path": rule.path}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"nonResourceAttributes": path}
            if rule.path
            else {"resourceAttributes": resource},
        }
        doc = self._json("POST", _AUTHORIZATION, None, review)
        status = _mapping(doc, "status")
        if not isinstance(status.get("allowed"), bool):
            raise self._not_kubernetes()
        return Access(
            rule=rule, allowed=status["allowed"], reason=str(status.get("reason") or "")[:500]
        )


def _request(
    method: str,
    path: str,
    params: Mapping[str, str] | None = None,
    body: Json | None = None,
) -> Request:
    from aggportal.kube.door import Request

    if not _PATH.fullmatch(path) or "/." in path:
        raise InvalidInput(_n("This is no path of the Kubernetes API: %(path)s"), path=path[:200])
    return Request(method=method, path=path, params=params or {}, body=body)


def _write_params(*, dry_run: bool) -> dict[str, str]:
    return {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})


def _mapping(doc: Json, name: str) -> Json:
    value = doc.get(name)
    return value if isinstance(value, dict) else {}


def _open_sender(connection: Connection, tls_name: str) -> Send:
    """Kubernetes' REST layer over our own pool; no proxy or kubeconfig of the environment."""
    # Threads that import a package together may see it half made: Python prefers that to waiting
    # for ever where its modules import each other.
    with _IMPORTING:
        from kubernetes.client import ApiException, Configuration
        from kubernetes.client.rest import RESTClientObject

    from aggportal.kube.wire import make_pool_manager

    rest = RESTClientObject(Configuration(host=connection.server, proxy="", no_proxy="*"))
    rest.pool_manager = make_pool_manager(connection, tls_name=tls_name)

    def send(call: Call) -> BaseHTTPResponse:
        try:
            answer = rest.request(  # type: ignore[no-untyped-call] # typed, but not annotated
                call.request.method,
                call.url,
                headers=call.headers,
                body=call.request.body,
                _request_timeout=call.timeout,
            )
        except ApiException as exc:
            raise ConnectionError(str(exc.reason)) from exc
        response: BaseHTTPResponse = answer.response
        return response

    return send
