"""Whether an object of the set is ready, so that the next one may follow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aggportal.kube.answers import Json
from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import NotFound
from aggportal.kube.studio.places import Place, part
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """`note` says what it has come to, or what it waits for."""

    ready: bool
    note: Sentence | None = None


def readiness_of(client: ApiClient, place: Place) -> Readiness:
    """Look whether the object at `place` does its work. Raises KubeError.

    Namespaces are to be active, all replicas of a Deployment available in its present generation,
    a Service to have a ready endpoint, an APIService to be available; all else is ready when it is
    there.
    """
    look = _LOOKS.get(place.kind)
    return look(client, place) if look else Readiness(ready=True)


def _namespace(client: ApiClient, place: Place) -> Readiness:
    phase = str(part(client.get_json(place.path), "status").get("phase") or "")
    if phase == "Terminating":
        text = _n("The namespace is being deleted; nothing new can be put into it.")
        return Readiness(ready=False, note=Sentence(text=text))
    if phase == "Active":
        return Readiness(ready=True)
    return Readiness(ready=False, note=Sentence(text=_n("The namespace is not active yet.")))


def _deployment(client: ApiClient, place: Place) -> Readiness:
    found = client.get_json(place.path)
    status, wanted = part(found, "status"), _number(part(found, "spec").get("replicas"), 1)
    seen = _number(status.get("observedGeneration"), 0)
    available = _number(status.get("availableReplicas"), 0)
    updated = _number(status.get("updatedReplicas"), 0)
    if seen < _number(part(found, "metadata").get("generation"), 0):
        text = _n("The cluster has not taken note of the Deployment yet.")
        return Readiness(ready=False, note=Sentence(text=text))
    return Readiness(
        ready=min(available, updated) >= wanted,
        note=_replicas(available=min(available, updated), wanted=wanted, trouble=_trouble(status)),
    )


def _replicas(*, available: int, wanted: int, trouble: str) -> Sentence:
    params = {"available": available, "wanted": wanted, "trouble": trouble}
    if trouble and available < wanted:
        text = _n("%(available)s of %(wanted)s replicas are available. %(trouble)s")
        return Sentence(text=text, params=params)
    return Sentence(
        text=_n("%(available)s of %(wanted)s replicas are available."),
        params={"available": available, "wanted": wanted},
    )


def _trouble(status: Json) -> str:
    """What the controller says of a rollout that does not get on."""
    conditions = status.get("conditions")
    for each in conditions if isinstance(conditions, list) else ():
        if isinstance(each, dict) and (each.get("type"), each.get("status")) in (
            ("ReplicaFailure", "True"),
            ("Progressing", "False"),
        ):
            return str(each.get("message") or "")[:500]
    return ""


def _service(client: ApiClient, place: Place) -> Readiness:
    """By its Endpoints, which every version of Kubernetes serves."""
    path = f"/api/v1/namespaces/{place.namespace}/endpoints/{place.name}"
    try:
        subsets = client.get_json(path).get("subsets")
    except NotFound:
        subsets = None
    listed = subsets if isinstance(subsets, list) else []
    ready = sum(
        len(found)
        for each in listed
        if isinstance(each, dict) and isinstance(found := each.get("addresses"), list)
    )
    if ready:
        text = _n("Ready endpoints: %(count)s.")
        return Readiness(ready=True, note=Sentence(text=text, params={"count": ready}))
    return Readiness(ready=False, note=Sentence(text=_n("The Service has no ready endpoint yet.")))


def _apiservice(client: ApiClient, place: Place) -> Readiness:
    found = parse_apiservice(client.get_json(place.path)).availability
    if found.status == "True":
        return Readiness(ready=True, note=Sentence(text=_n("It is available.")))
    return Readiness(ready=False, note=found.cause.sentence)


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


_LOOKS: Mapping[str, Callable[[ApiClient, Place], Readiness]] = MappingProxyType(
    {
        "Namespace": _namespace,
        "Deployment": _deployment,
        "Service": _service,
        "APIService": _apiservice,
    }
)
