"""What else is in a namespace: deleting it would take all of that with it.

Everything is asked for that the API server lists, by discovery, as metadata alone, so that no
Secret is read. What cannot be listed counts as unknown, and unknown is not empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aggportal.kube.client import MAX_BODY, ApiClient, Asked
from aggportal.kube.studio.places import part

_METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
# Made by Kubernetes in each namespace, or traces of what is gone.
_USUAL = frozenset({("", "serviceaccounts", "default"), ("", "configmaps", "kube-root-ca.crt")})
_TRACES = frozenset(
    {
        ("", "endpoints"),
        ("", "events"),
        ("coordination.k8s.io", "leases"),
        ("discovery.k8s.io", "endpointslices"),
        ("events.k8s.io", "events"),
    }
)
_DERIVED_GROUPS = frozenset({"metrics.k8s.io"})
_GOING_WITH = frozenset({"Deployment", "ReplicaSet", "Service", "Endpoints"})
_ACCOUNT = "kubernetes.io/service-account.name"
_MOST = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftovers:
    """Up to a few names of what is there, and resources that could not be listed."""

    found: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return not self.found and not self.unknown


def leftovers_in(client: ApiClient, namespace: str) -> Leftovers:
    """Look through `namespace`; ends at the first few. Raises KubeError where no answer comes."""
    found: list[str] = []
    unknown: list[str] = []
    for root, group, resource in _resources(client, unknown):
        listed, whole = _listed(client, f"{root}/namespaces/{namespace}/{resource}")
        found += [f"{resource}/{name}" for name in _others(group, resource, listed)]
        if not whole:
            unknown.append(resource)
        if len(found) + len(unknown) >= _MOST:
            break
    return Leftovers(found=tuple(found[:_MOST]), unknown=tuple(unknown[:_MOST]))


def _resources(client: ApiClient, unknown: list[str]) -> Iterator[tuple[str, str, str]]:
    """Root, group and name of what lies in namespaces, each once, in whatever version it has."""
    seen: set[tuple[str, str]] = set()
    for root, group in _roots(client, unknown):
        document = _asked(client, root, "application/json")
        resources = document.get("resources") if document is not None else None
        if not isinstance(resources, list):
            unknown.append(root.removeprefix("/apis/"))
            continue
        for each in resources:
            name = each.get("name") if isinstance(each, dict) else None
            if not isinstance(name, str):
                unknown.append(root.removeprefix("/apis/"))
            elif (group, name) not in seen and _lists(group, name, each):
                seen.add((group, name))
                yield root, group, name


def _roots(client: ApiClient, unknown: list[str]) -> Iterator[tuple[str, str]]:
    """The root of every served version and its group, the preferred version first."""
    yield "/api/v1", ""
    groups = client.get_json("/apis").get("groups")
    if not isinstance(groups, list):
        unknown.append("/apis")
        return
    for each in groups:
        group = each.get("name") if isinstance(each, dict) else None
        if not isinstance(group, str):
            unknown.append("/apis")
        elif group not in _DERIVED_GROUPS:
            versions = each.get("versions")
            served = [part(each, "preferredVersion")]
            served += versions if isinstance(versions, list) else []
            names = [one.get("groupVersion") if isinstance(one, dict) else None for one in served]
            good = dict.fromkeys(name for name in names if isinstance(name, str))
            if not good:
                unknown.append(group)
            yield from ((f"/apis/{name}", group) for name in good)


def _lists(group: str, name: str, resource: dict[str, Any]) -> bool:
    verbs = resource.get("verbs")
    listed = resource.get("namespaced") and isinstance(verbs, list) and "list" in verbs
    return bool(listed) and "/" not in name and (group, name) not in _TRACES


def _listed(client: ApiClient, path: str) -> tuple[list[dict[str, Any]], bool]:
    """What is listed, and whether that is all of it."""
    document = _asked(client, path, _METADATA)
    if document is None:
        return [], False
    items = document.get("items")
    if items is None:
        items = []
    if not isinstance(items, list):
        return [], False
    good = [each for each in items if isinstance(each, dict)]
    more = part(document, "metadata").get("continue")
    return good, len(good) == len(items) and not more


def _asked(client: ApiClient, path: str, accept: str) -> dict[str, Any] | None:
    how = Asked(params={"limit": "50"}, limit=MAX_BODY, accept=accept)
    answer = client.get_raw(path, asked=how)
    if answer.status != 200:
        return None
    try:
        document = json.loads(answer.text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _others(group: str, resource: str, listed: list[dict[str, Any]]) -> Iterator[str]:
    for each in listed:
        metadata = part(each, "metadata")
        name = str(metadata.get("name") or "")[:253]
        owners = metadata.get("ownerReferences")
        going = metadata.get("deletionTimestamp") or any(
            isinstance(owner, dict) and owner.get("kind") in _GOING_WITH
            for owner in (owners if isinstance(owners, list) else ())
        )
        # The token of an account, which is counted itself.
        token = (group, resource) == ("", "secrets") and _ACCOUNT in part(metadata, "annotations")
        if not going and not token and (group, resource, name) not in _USUAL:
            yield name
