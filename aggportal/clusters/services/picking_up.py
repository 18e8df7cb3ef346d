"""Whether pods took up a Secret that was written: what they serve, and what is known of them.

Only a handshake shows what is served. Of pods the API server knows when they started and how the
Secret comes to them: kubelet brings a mounted Secret in within about a minute; a subPath or an
environment variable stays as it was until the pod is made anew.
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from aggportal.certs.models import Certificate
from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.clusters.services.connections import WHILE_A_PERSON_WAITS, client_for
from aggportal.clusters.services.serving import served_by
from aggportal.doctor.evidence import Json, Known, Probed, Unread
from aggportal.doctor.objects import conditions_of, labels_of, list_at, name_of, text_at
from aggportal.doctor.reads import Place, Reads, place
from aggportal.doctor.secrets import mounted
from aggportal.kube.errors import KubeError
from aggportal.kube.secrets import SecretPlace

KUBELET_TAKES = dt.timedelta(seconds=90)
GIVE_UP = dt.timedelta(minutes=5)
MOST_PODS = "100"
_DEFAULT_OWNERS = {"StatefulSet": "statefulset", "DaemonSet": "daemonset"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PodLook:
    """One pod that has the Secret: `stays` where only a new pod gets the new one."""

    name: str
    namespace: str
    stays: bool
    started: dt.datetime | None
    is_ready: bool
    is_new: bool
    restart: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PickingUp:
    """What is seen since. `served` is None where the portal is not to shake hands."""

    wanted: str
    since: dt.datetime
    now: dt.datetime
    pods: tuple[PodLook, ...]
    unread: tuple[Unread, ...]
    served: Probed | None

    @property
    def is_served(self) -> bool:
        """The certificate that was written was seen at the backend."""
        return bool(self.served and self.served.chain) and self._served_sha == self.wanted

    @property
    def serves_another(self) -> bool:
        return bool(self.served and self.served.chain) and not self.is_served

    @property
    def is_watched(self) -> bool:
        """Looking again may show more."""
        return not self.is_served and self.now - self.since < GIVE_UP

    @property
    def kubelet_is_done(self) -> bool:
        return self.now - self.since > KUBELET_TAKES

    @property
    def restarts(self) -> tuple[str, ...]:
        """Commands that make the pods read it anew, each once."""
        found = (each.restart for each in self.pods if not each.is_new and each.restart)
        return tuple(dict.fromkeys(found))

    @property
    def _served_sha(self) -> str:
        return self.served.chain[0].sha256 if self.served and self.served.chain else ""


def pods_picking_up(
    cluster: Cluster,
    row: WatchedAPIService,
    places: Iterable[SecretPlace],
    certificate: Certificate,
    *,
    since: dt.datetime,
    now: dt.datetime,
) -> PickingUp:
    """Look once. Nothing raises: what cannot be read says why."""
    pods: list[PodLook] = []
    unread: list[Unread] = []
    try:
        reads = Reads(client=client_for(cluster, timeouts=WHILE_A_PERSON_WAITS))
        for where in places:
            found = reads.list_at(_pods_of(where.namespace))
            if isinstance(found, Unread):
                unread.append(found)
            elif isinstance(found, Known):
                pods.extend(_looks(found.value, where, since=since))
    except KubeError as error:
        unread.append(Unread(path="", why=error.sentence))
    return PickingUp(
        wanted=certificate.fingerprint_sha256,
        since=since,
        now=now,
        pods=tuple(pods),
        unread=tuple(unread),
        served=served_by(cluster, row),
    )


def proposed_names(cluster: Cluster, row: WatchedAPIService) -> tuple[str, ...]:
    """The Secrets that pods in the Service's namespace mount, as far as that can be read."""
    try:
        reads = Reads(client=client_for(cluster, timeouts=WHILE_A_PERSON_WAITS))
        found = reads.list_at(_pods_of(row.service_namespace))
    except KubeError:
        return ()
    return mounted(found.value)[:8] if isinstance(found, Known) else ()


def _pods_of(namespace: str) -> Place:
    where = place(f"/api/v1/namespaces/{namespace}/pods", "list")
    return replace(where, params={"limit": MOST_PODS})


def _looks(pods: Iterable[Json], where: SecretPlace, *, since: dt.datetime) -> Iterator[PodLook]:
    for pod in pods:
        volumes = set(_volumes(pod, where.name))
        by_variable = _is_in_environment(pod, where.name)
        if not volumes and not by_variable:
            continue
        started = _started(pod)
        ready = conditions_of(pod).get("Ready", {})
        yield PodLook(
            name=name_of(pod),
            namespace=where.namespace,
            stays=by_variable or _is_by_subpath(pod, volumes),
            started=started,
            is_ready=ready.get("status") == "True",
            is_new=started is not None and started > since,
            restart=_restart(pod, where.namespace),
        )


def _volumes(pod: Json, secret: str) -> Iterator[str]:
    for volume in list_at(pod, "spec", "volumes"):
        sources = list_at(volume, "projected", "sources")
        names = {text_at(volume, "secret", "secretName")}
        names |= {text_at(each, "secret", "name") for each in sources}
        if secret in names:
            yield text_at(volume, "name")


def _is_by_subpath(pod: Json, volumes: set[str]) -> bool:
    mounts = (m for each in _containers(pod) for m in list_at(each, "volumeMounts"))
    return any(text_at(m, "name") in volumes and text_at(m, "subPath") for m in mounts)


def _is_in_environment(pod: Json, secret: str) -> bool:
    for container in _containers(pod):
        values = list_at(container, "env")
        if any(text_at(e, "valueFrom", "secretKeyRef", "name") == secret for e in values):
            return True
        if any(text_at(e, "secretRef", "name") == secret for e in list_at(container, "envFrom")):
            return True
    return False


def _containers(pod: Json) -> list[Json]:
    return [*list_at(pod, "spec", "containers"), *list_at(pod, "spec", "initContainers")]


def _started(pod: Json) -> dt.datetime | None:
    """When the youngest of its containers began to run."""
    told = (
        text_at(each, "state", "running", "startedAt")
        for each in list_at(pod, "status", "containerStatuses")
    )
    moments = []
    for text in told:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            continue
        moments.append(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
    return max(moments, default=None)


def _restart(pod: Json, namespace: str) -> str:
    """The command that makes its pods anew, empty where it is not known what keeps it."""
    owner = next(iter(list_at(pod, "metadata", "ownerReferences")), {})
    kind, name = text_at(owner, "kind"), text_at(owner, "name")
    if kind == "ReplicaSet":
        suffix = f"-{labels_of(pod).get('pod-template-hash', '')}"
        target = f"deployment/{name.removesuffix(suffix)}" if name.endswith(suffix) else ""
    else:
        target = f"{_DEFAULT_OWNERS[kind]}/{name}" if kind in _DEFAULT_OWNERS else ""
    if not target or not target.isprintable():
        return ""
    return f"kubectl rollout restart {shlex.quote(target)} --namespace {shlex.quote(namespace)}"
