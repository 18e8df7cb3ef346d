"""T12, T13: the kube-apiservers themselves, as far as the cluster shows them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aggportal.doctor.evidence import Evidence, Json, Known, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.objects import (
    labels_of,
    list_at,
    mapping_at,
    name_of,
    text_at,
    texts_at,
    value_at,
)
from aggportal.doctor.registry import Found, Outcome, Passed, Unchecked, cluster_check
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.kube.causes import classify
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

SERVER_PODS = "/api/v1/namespaces/kube-system/pods"
DAEMONSETS = "/apis/apps/v1/daemonsets"
NODES = "/api/v1/nodes"
ROUTING = "--enable-aggregator-routing"
SEVEN = (
    "--requestheader-client-ca-file",
    "--requestheader-allowed-names",
    "--requestheader-username-headers",
    "--requestheader-group-headers",
    "--requestheader-extra-headers-prefix",
    "--proxy-client-cert-file",
    "--proxy-client-key-file",
)
_PROXIES = ("kube-proxy", "cilium", "kube-router", "antrea-agent", "ovnkube-node")
_MOST = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One kube-apiserver that runs as a pod: where, and its flags as (name, value) in order."""

    node: str
    flags: tuple[tuple[str, str], ...]

    @property
    def values(self) -> dict[str, str]:
        return dict(self.flags)


def servers_of(pods: tuple[Json, ...]) -> tuple[Server, ...]:
    """The kube-apiservers among pods, by their containers."""
    found = []
    for pod in pods:
        for container in list_at(pod, "spec", "containers"):
            if text_at(container, "name") == "kube-apiserver":
                words = [*texts_at(container, "command"), *texts_at(container, "args")]
                node = text_at(pod, "spec", "nodeName") or name_of(pod)
                found.append(Server(node=node, flags=tuple(_flags(words))))
    return tuple(found)


@cluster_check(
    "T12",
    Severity.ERROR,
    _n("The kube-apiservers are set up alike"),
    reads=[SERVER_PODS],
)
def servers_are_alike(evidence: Evidence) -> Outcome:
    """Every kube-apiserver has all seven flags, once each, with the same values."""
    servers = _servers(evidence)
    if not isinstance(servers, tuple):
        return servers
    wrong = (*_lacking(servers), *_doubled(servers), *_differing(servers))
    if not wrong:
        nodes = ", ".join(server.node for server in servers[:_MOST])
        return Passed(evidence=(say("%(nodes)s", nodes=nodes),))
    return Found(
        sentence=wrong[0],
        evidence=wrong[:_MOST],
        remedy=Remedy(
            sentence=say(
                _n(
                    "Give every kube-apiserver the same seven flags, each once; the page Flags "
                    "renders them for the way that the cluster was installed."
                )
            ),
            deed=Deed.FLAGS,
        ),
    )


@cluster_check(
    "T13",
    Severity.ERROR,
    _n("The control plane reaches Services"),
    reads=[NODES, DAEMONSETS, SERVER_PODS],
)
def control_plane_reaches_services(evidence: Evidence) -> Outcome:
    """kube-proxy or what stands for it runs on the control plane, or the routing flag is on."""
    servers = _servers(evidence)
    routed = isinstance(servers, tuple) and all(
        server.values.get(ROUTING) in {"true", ""} for server in servers
    )
    if routed:
        return Passed(evidence=(say("%(flag)s", flag=f"{ROUTING}=true"),))
    through = next((each for each in evidence.aggregated if _answers(evidence, each)), None)
    if through is not None:
        told = say(_n("%(name)s answers through its Service."), name=through.name)
        return Passed(evidence=(told,))
    for read in (evidence.control_nodes, evidence.daemonsets):
        if isinstance(read, Unread):
            return read
    nodes = evidence.control_nodes.value if isinstance(evidence.control_nodes, Known) else ()
    if not nodes:
        return Unchecked(
            sentence=say(_n("No node of the control plane can be seen; a provider may run it."))
        )
    proxies = [each for each in _daemonsets(evidence) if name_of(each).startswith(_PROXIES)]
    if not proxies:
        return _without_proxy(evidence)
    bare = [name_of(node) for node in nodes if not any(_runs_on(each, node) for each in proxies)]
    names = ", ".join(name_of(each) for each in proxies)
    if not bare:
        return Passed(evidence=(say("%(names)s", names=names),))
    return Found(
        sentence=say(
            _n(
                "%(names)s does not run on %(nodes)s, so nothing makes the addresses of Services "
                "work for kube-apiserver there."
            ),
            names=names,
            nodes=", ".join(bare[:_MOST]),
        ),
        remedy=_ROUTE,
    )


_ROUTE = Remedy(
    sentence=say(
        _n(
            "Let kube-proxy run on the control plane too (tolerations), or let kube-apiserver dial "
            "the pods themselves."
        )
    ),
    command=f"{ROUTING}=true",
    deed=Deed.FLAGS,
)


def _without_proxy(evidence: Evidence) -> Outcome:
    """No DaemonSet is known: packets that get lost speak for themselves."""
    lost = [
        each
        for each in evidence.aggregated
        if classify(each.availability.message).code == "timeout"
    ]
    if not lost:
        return Unchecked(
            sentence=say(
                _n("No kube-proxy is seen as a DaemonSet; it may run outside of the pods.")
            )
        )
    return Found(
        sentence=say(
            _n(
                "No kube-proxy is seen on the control plane, and packets to %(names)s are lost: "
                "kube-apiserver has no way to the addresses of Services."
            ),
            names=", ".join(each.name for each in lost[:_MOST]),
        ),
        evidence=tuple(
            say("%(message)s", message=each.availability.message) for each in lost[:_MOST]
        ),
        remedy=_ROUTE,
    )


def _servers(evidence: Evidence) -> tuple[Server, ...] | Unread | Unchecked:
    if isinstance(evidence.server_pods, Unread):
        return evidence.server_pods
    pods = evidence.server_pods.value if isinstance(evidence.server_pods, Known) else ()
    return servers_of(pods) or Unchecked(
        sentence=say(
            _n("No kube-apiserver runs as a pod that can be seen here, so its flags are not known.")
        )
    )


def _flags(words: list[str]) -> Iterator[tuple[str, str]]:
    """Flags as `--name=value` or `--name value`; also inside one text for a shell."""
    single = [part for word in words for part in _split(word)]
    for at, word in enumerate(single):
        if not word.startswith("--"):
            continue
        name, equals, value = word.partition("=")
        if not equals and at + 1 < len(single) and not single[at + 1].startswith("-"):
            value = single[at + 1]
        yield name, value


def _split(word: str) -> list[str]:
    if " --" not in word:
        return [word]
    try:
        return shlex.split(word)
    except ValueError:
        return word.split()


def _lacking(servers: tuple[Server, ...]) -> Iterator[Sentence]:
    for server in servers:
        lacking = [flag for flag in SEVEN if flag not in server.values]
        if lacking:
            yield say(
                _n("kube-apiserver on %(node)s lacks %(flags)s."),
                node=server.node,
                flags=", ".join(lacking),
            )


def _doubled(servers: tuple[Server, ...]) -> Iterator[Sentence]:
    """Flags with lists add up when given twice; of the others the last one counts."""
    for server in servers:
        counted = Counter(name for name, _value in server.flags)
        twice = [flag for flag in SEVEN if counted[flag] > 1]
        if twice:
            yield say(
                _n("kube-apiserver on %(node)s has %(flags)s more than once."),
                node=server.node,
                flags=", ".join(twice),
            )


def _differing(servers: tuple[Server, ...]) -> Iterator[Sentence]:
    for flag in (*SEVEN, ROUTING):
        values = {server.node: server.values.get(flag) for server in servers}
        if len({value for value in values.values() if value is not None}) > 1:
            yield say(
                _n("The kube-apiservers differ in %(flag)s: %(values)s."),
                flag=flag,
                values="; ".join(f"{node}: {value}" for node, value in list(values.items())[:8]),
            )


def _answers(evidence: Evidence, each: APIService) -> bool:
    """Whether discovery came back through a Service with an address of its own."""
    reference, answer = each.service, evidence.discoveries.get(each.name)
    if reference is None or answer is None or answer.status != 200:
        return False
    behind = evidence.services.get((reference.namespace, reference.name))
    service = behind.service if behind else None
    address = text_at(service.value, "spec", "clusterIP") if isinstance(service, Known) else ""
    return address not in {"", "None"}


def _daemonsets(evidence: Evidence) -> tuple[Json, ...]:
    return evidence.daemonsets.value if isinstance(evidence.daemonsets, Known) else ()


def _runs_on(daemonset: Json, node: Json) -> bool:
    """Whether its pods tolerate the node's taints and its node selector fits."""
    template = value_at(daemonset, "spec", "template", "spec")
    selector = mapping_at(template, "nodeSelector")
    labels = labels_of(node)
    if any(labels.get(name) != value for name, value in selector.items()):
        return False
    tolerations = list_at(template, "tolerations")
    return all(
        any(_tolerates(each, taint) for each in tolerations)
        for taint in list_at(node, "spec", "taints")
        if text_at(taint, "effect") in {"NoSchedule", "NoExecute"}
        # What a DaemonSet's pods tolerate in any case.
        and not text_at(taint, "key").startswith("node.kubernetes.io/")
    )


def _tolerates(toleration: Mapping[str, object], taint: Mapping[str, object]) -> bool:
    effect, key = text_at(toleration, "effect"), text_at(toleration, "key")
    if effect and effect != text_at(taint, "effect"):
        return False
    if text_at(toleration, "operator") == "Exists":
        return not key or key == text_at(taint, "key")
    return key == text_at(taint, "key") and text_at(toleration, "value") == text_at(taint, "value")
