"""One look at a whole cluster, as `Evidence`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aggportal.doctor.accepting import AUTH_READER, DELEGATOR
from aggportal.doctor.authconfig import CONFIG_MAP
from aggportal.doctor.control_plane import DAEMONSETS
from aggportal.doctor.evidence import (
    Discovery,
    Evidence,
    Injected,
    Json,
    Listed,
    Managed,
    Probed,
    Read,
    ServiceEvidence,
    ServiceKey,
)
from aggportal.doctor.gathering import Looker
from aggportal.doctor.impact import AUTOSCALERS, NAMESPACES
from aggportal.doctor.masters import SERVER_PODS
from aggportal.doctor.neighbours import CRDS
from aggportal.doctor.objects import mapping_at
from aggportal.doctor.probing import Probe, probe_backend
from aggportal.doctor.rbac import CLUSTER_BINDINGS, CLUSTER_ROLES, SYSTEM_BINDINGS, SYSTEM_ROLES
from aggportal.doctor.reads import AT_ONCE, place
from aggportal.doctor.secrets import read_secrets
from aggportal.doctor.writers import COUNTERS, UNAVAILABLE
from aggportal.kube.apiservices import APIService, ServiceReference, parse_apiservice
from aggportal.kube.client import ApiClient, Version

_SLICES_SINCE = 21
_OLDER_AUTOSCALERS = (
    AUTOSCALERS,
    "/apis/autoscaling/v2beta2/horizontalpodautoscalers",
    "/apis/autoscaling/v1/horizontalpodautoscalers",
)
_LISTS = {
    "namespaces": (NAMESPACES,),
    "autoscalers": _OLDER_AUTOSCALERS,
    "crds": (CRDS,),
    "server_pods": (SERVER_PODS,),
    "cluster_bindings": (CLUSTER_BINDINGS,),
    "reader_bindings": (SYSTEM_BINDINGS,),
    "cluster_roles": (CLUSTER_ROLES,),
    "system_roles": (SYSTEM_ROLES,),
    "daemonsets": (DAEMONSETS,),
}
_OBJECTS = {"trust": CONFIG_MAP, "delegator": DELEGATOR, "auth_reader": AUTH_READER}


@dataclass(frozen=True, kw_only=True, slots=True)
class Background:
    """What is known beside the cluster: how often APIServices turned, since when their discovery
    was seen stale, what we manage, what kube-apiserver counted when it was looked at before.

    `probe` asks for a TLS handshake with each backend, `secrets` for the certificates in Secrets:
    those that pods behind APIServices mount, and that cert-manager writes caBundles from. Neither
    happens unasked.
    """

    turns: Mapping[str, int] = field(default_factory=dict)
    stale_since: Mapping[str, dt.datetime] = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)
    metrics: Mapping[str, float] | None = None
    probe: Probe | None = None
    secrets: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Behind:
    """What was read of each aggregated APIService."""

    services: dict[ServiceKey, ServiceEvidence]
    policies: dict[str, Read[tuple[Json, ...]]]
    budgets: dict[str, Read[tuple[Json, ...]]]
    probes: dict[str, Probed]
    injected: dict[str, Injected]


def look(client: ApiClient, *, now: dt.datetime, background: Background) -> Evidence:
    """Read everything that the checks look at. Raises KubeError where not even the APIServices can
    be listed.
    """
    looker = Looker(client=client)
    raw = looker.apiservices()
    apiservices = tuple(parse_apiservice(each) for each in raw)
    version = looker.version()
    minor = _minor(version)
    discoveries, lists = _answers(looker, apiservices)
    annotations = {
        each.name: mapping_at(document, "metadata", "annotations")
        for each, document in zip(apiservices, raw, strict=True)
        if background.secrets and not each.is_local
    }
    behind = _behind(looker, apiservices, annotations, minor=minor, probe=background.probe)
    return Evidence(
        now=now,
        minor=minor,
        git_version=version.git_version if version else "",
        identity=looker.identity(),
        apiservices=apiservices,
        discoveries=discoveries,
        lists=lists,
        services=behind.services,
        policies=behind.policies,
        budgets=behind.budgets,
        probes=behind.probes,
        injected=behind.injected,
        secrets=read_secrets(looker, behind.services) if background.secrets else {},
        turns=background.turns,
        stale_since=background.stale_since,
        managed=background.managed,
        earlier_metrics=background.metrics,
        **_whole(looker),
    )


def _answers(
    looker: Looker, apiservices: tuple[APIService, ...]
) -> tuple[dict[str, Discovery], dict[str, Listed]]:
    """Every discovery, and a list of each that was answered by a backend."""
    found = looker.each(looker.discovery, apiservices)
    discoveries = {each.name: answer for each, answer in zip(apiservices, found, strict=True)}
    asked = [e for e in apiservices if not e.is_local and discoveries[e.name].document]
    listed = looker.each(lambda each: looker.listed(each, discoveries[each.name]), asked)
    pairs = zip(asked, listed, strict=True)
    return discoveries, {each.name: answer for each, answer in pairs if answer is not None}


def _behind(
    looker: Looker,
    apiservices: Iterable[APIService],
    annotations: Mapping[str, Mapping[str, str]],
    *,
    minor: int | None,
    probe: Probe | None,
) -> _Behind:
    references = {each.name: each.service for each in apiservices if each.service is not None}
    keys = sorted({(s.namespace, s.name) for s in references.values()})
    slices = minor is None or minor >= _SLICES_SINCE
    services = dict(
        zip(keys, looker.each(lambda key: looker.service(*key, slices=slices), keys), strict=True)
    )
    spaces = sorted({namespace for namespace, _name in keys})
    injected = looker.each(lambda pair: looker.injected(pair[1]), annotations.items())
    return _Behind(
        services=services,
        policies=dict(zip(spaces, looker.each(looker.policies, spaces), strict=True)),
        budgets=dict(zip(spaces, looker.each(looker.budgets, spaces), strict=True)),
        probes=_probes(looker, probe, references, services) if probe else {},
        injected=dict(zip(annotations, injected, strict=True)),
    )


def _probes(
    looker: Looker,
    probe: Probe,
    references: Mapping[str, ServiceReference],
    services: Mapping[ServiceKey, ServiceEvidence],
) -> dict[str, Probed]:
    """A handshake with each Service and port, told to every APIService that names it."""
    places = list(dict.fromkeys(references.values()))

    def shake(place_: ServiceReference) -> Probed:
        return probe_backend(probe, place_, services[place_.namespace, place_.name])

    shown = dict(zip(places, looker.each(shake, places), strict=True))
    return {name: shown[reference] for name, reference in references.items()}


def _whole(looker: Looker) -> dict[str, Any]:
    """What is read of the cluster as a whole, by the names of Evidence's fields."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        jobs: dict[str, Future[Any]] = {
            name: pool.submit(looker.list_at, *(place(path, "list") for path in paths))
            for name, paths in _LISTS.items()
        }
        for name, path in _OBJECTS.items():
            jobs[name] = pool.submit(looker.object_at, place(path))
        jobs["freshness"] = pool.submit(looker.freshness)
        jobs["control_nodes"] = pool.submit(looker.control_nodes)
        jobs["some_node"] = pool.submit(looker.some_node)
        jobs["metrics"] = pool.submit(looker.metrics, (*COUNTERS, UNAVAILABLE))
    return {name: job.result() for name, job in jobs.items()}


def _minor(version: Version | None) -> int | None:
    digits = re.match(r"\d+", version.minor) if version else None
    return int(digits.group()) if digits else None
