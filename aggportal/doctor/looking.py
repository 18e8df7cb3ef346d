"""One look at a whole cluster, as `Evidence`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aggportal.doctor.authconfig import CONFIG_MAP
from aggportal.doctor.evidence import Evidence, Managed
from aggportal.doctor.gathering import AT_ONCE, Looker, place
from aggportal.doctor.impact import AUTOSCALERS, NAMESPACES
from aggportal.doctor.neighbours import CRDS
from aggportal.doctor.trust import AUTH_READER, DELEGATOR
from aggportal.kube.client import ApiClient

_SLICES_SINCE = 21
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_READER_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings"
_SERVER_PODS = "/api/v1/namespaces/kube-system/pods"
_OLDER_AUTOSCALERS = (
    AUTOSCALERS,
    "/apis/autoscaling/v2beta2/horizontalpodautoscalers",
    "/apis/autoscaling/v1/horizontalpodautoscalers",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Background:
    """What is known beside the cluster: how often APIServices turned, and what we manage."""

    turns: Mapping[str, int] = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)


def look(client: ApiClient, *, now: dt.datetime, background: Background) -> Evidence:
    """Read everything that the checks look at. Raises KubeError where not even the APIServices can
    be listed.
    """
    looker = Looker(client=client)
    apiservices = looker.apiservices()
    minor = looker.minor()
    discoveries = looker.each(looker.discovery, apiservices)
    asked = [
        (each, answer)
        for each, answer in zip(apiservices, discoveries, strict=True)
        if not each.is_local and answer.document
    ]
    listed = looker.each(lambda pair: looker.listed(*pair), asked)
    keys = sorted({(s.namespace, s.name) for each in apiservices if (s := each.service)})
    slices = minor is None or minor >= _SLICES_SINCE
    behind = looker.each(lambda key: looker.service(*key, slices=slices), keys)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        namespaces = pool.submit(looker.list_at, place(NAMESPACES, "list"))
        scalers = pool.submit(looker.list_at, *(place(path, "list") for path in _OLDER_AUTOSCALERS))
        crds = pool.submit(looker.list_at, place(CRDS, "list"))
        pods = pool.submit(looker.list_at, place(_SERVER_PODS, "list"))
        bindings = pool.submit(looker.list_at, place(_BINDINGS, "list"))
        readers = pool.submit(looker.list_at, place(_READER_BINDINGS, "list"))
        trust = pool.submit(looker.object_at, place(CONFIG_MAP))
        delegator = pool.submit(looker.object_at, place(DELEGATOR))
        reader = pool.submit(looker.object_at, place(AUTH_READER))
        freshness = pool.submit(looker.freshness)
    return Evidence(
        now=now,
        minor=minor,
        identity=looker.identity(),
        trust=trust.result(),
        apiservices=apiservices,
        services=dict(zip(keys, behind, strict=True)),
        discoveries={a.name: d for a, d in zip(apiservices, discoveries, strict=True)},
        lists={
            each.name: found
            for (each, _), found in zip(asked, listed, strict=True)
            if found is not None
        },
        namespaces=namespaces.result(),
        autoscalers=scalers.result(),
        crds=crds.result(),
        server_pods=pods.result(),
        delegator=delegator.result(),
        auth_reader=reader.result(),
        cluster_bindings=bindings.result(),
        reader_bindings=readers.result(),
        freshness=freshness.result(),
        turns=background.turns,
        managed=background.managed,
    )
