"""T13: whether the machines of the control plane find their way to Services."""

from __future__ import annotations

from collections.abc import Mapping

from aggportal.doctor.evidence import Evidence, Json, Known, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.masters import ROUTING, SERVER_PODS, routes, servers_seen
from aggportal.doctor.objects import labels_of, list_at, mapping_at, name_of, text_at, value_at
from aggportal.doctor.registry import Found, Outcome, Passed, Unchecked, cluster_check
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.kube.causes import classify
from aggportal.words import gettext_noop as _n

DAEMONSETS = "/apis/apps/v1/daemonsets"
NODES = "/api/v1/nodes"
_PROXIES = ("kube-proxy", "cilium", "kube-router", "antrea-agent", "ovnkube-node")
_MOST = 12


@cluster_check(
    "T13",
    Severity.ERROR,
    _n("The control plane reaches Services"),
    reads=[NODES, DAEMONSETS, SERVER_PODS],
)
def control_plane_reaches_services(evidence: Evidence) -> Outcome:
    """kube-proxy or what stands for it runs on the control plane, or the routing flag is on."""
    servers = servers_seen(evidence)
    routed = isinstance(servers, tuple) and all(routes(server) for server in servers)
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
