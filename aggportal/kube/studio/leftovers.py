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
_USUAL = frozenset({("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")})
_TRACES = frozenset({"endpoints", "endpointslices", "events", "leases"})
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
    for root, resources in _resources(client, unknown):
        for resource in resources:
            listed = _listed(client, f"{root}/namespaces/{namespace}/{resource}")
            if listed is None:
                unknown.append(resource)
                continue
            found += [f"{resource}/{name}" for name in _others(resource, listed)]
        if len(found) + len(unknown) >= _MOST:
            break
    return Leftovers(found=tuple(found[:_MOST]), unknown=tuple(unknown[:_MOST]))


def _resources(client: ApiClient, unknown: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The root of each group in its preferred version, and what of it lies in namespaces."""
    roots = ["/api/v1"]
    groups = client.get_json("/apis").get("groups")
    for each in groups if isinstance(groups, list) else ():
        if isinstance(each, dict) and each.get("name") not in _DERIVED_GROUPS:
            roots.append(f"/apis/{part(each, 'preferredVersion').get('groupVersion')}")
    for root in roots:
        document = _asked(client, root, "application/json")
        if document is None:
            unknown.append(root.removeprefix("/apis/"))
            continue
        yield root, [str(each["name"]) for each in document.get("resources", ()) if _lists(each)]


def _lists(resource: dict[str, Any]) -> bool:
    name = str(resource.get("name", ""))
    listed = resource.get("namespaced") and "list" in (resource.get("verbs") or ())
    return bool(listed) and "/" not in name and name not in _TRACES


def _listed(client: ApiClient, path: str) -> list[dict[str, Any]] | None:
    document = _asked(client, path, _METADATA)
    items = document.get("items") if document is not None else None
    if document is not None and items is None:
        return []
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else None


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


def _others(resource: str, listed: list[dict[str, Any]]) -> Iterator[str]:
    for each in listed:
        metadata = part(each, "metadata")
        name = str(metadata.get("name") or "")[:253]
        owners = metadata.get("ownerReferences")
        going = metadata.get("deletionTimestamp") or any(
            isinstance(owner, dict) and owner.get("kind") in _GOING_WITH
            for owner in (owners if isinstance(owners, list) else ())
        )
        # The token of an account, which is counted itself.
        token = resource == "secrets" and _ACCOUNT in part(metadata, "annotations")
        if not going and not token and (resource, name) not in _USUAL:
            yield name
