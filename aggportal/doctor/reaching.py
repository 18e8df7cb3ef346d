"""A24, A25: who may reach the pods behind an APIService."""

from __future__ import annotations

import json

from aggportal.doctor.availability import SERVICES, behind_of, port_of
from aggportal.doctor.backends import PODS, comes_through, pods_behind
from aggportal.doctor.commands import kubectl
from aggportal.doctor.evidence import Evidence, Json, Known, Unread
from aggportal.doctor.findings import Remedy, Severity
from aggportal.doctor.objects import (
    labels_of,
    name_of,
    ready_endpoints,
    service_ports,
    text_at,
)
from aggportal.doctor.policies import admits, selecting, target_port
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, Unchecked, service_check
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.words import gettext_noop as _n

POLICIES = "/apis/networking.k8s.io/v1/namespaces/<namespace>/networkpolicies"
NODES = "/api/v1/nodes"
# Ports that the control planes of the large providers reach in their nodes without a rule.
USUAL_PORTS = {443, 10250}
_GKE = (
    "gcloud compute firewall-rules create control-plane-to-nodes --network NETWORK \\\n"
    "  --source-ranges CONTROL_PLANE_CIDR --target-tags NODE_TAG --allow tcp:%(port)d"
)
_EKS = (
    "aws ec2 authorize-security-group-ingress --group-id NODE_GROUP \\\n"
    "  --source-group CLUSTER_GROUP --protocol tcp --port %(port)d"
)
_AKS = (
    "az network nsg rule create --resource-group GROUP --nsg-name NODES --name control-plane \\\n"
    "  --priority 200 --access Allow --protocol Tcp --destination-port-ranges %(port)d"
)
_FIREWALLS = {"GKE": _GKE, "gce": _GKE, "EKS": _EKS, "aws": _EKS, "azure": _AKS}
_ANY_FIREWALL = "nc -vz NODE %(port)d"
_PROVIDERS = ("gce://", "aws://", "azure://", "digitalocean://", "ibm://", "oci://")


@service_check(
    "A24",
    Severity.ERROR,
    _n("No NetworkPolicy keeps the control plane out"),
    reads=[POLICIES, PODS, SERVICES],
)
def policies_admit_the_control_plane(evidence: Evidence, each: APIService) -> Outcome:
    """The policies that select the pods open the port to others than pods."""
    reference, _behind = behind_of(evidence, each)
    policies = evidence.policies.get(reference.namespace)
    if isinstance(policies, Unread):
        return policies
    if policies is None:
        return Unchecked(sentence=say(_n("The NetworkPolicies were not asked for.")))
    pods = pods_behind(evidence, each)
    if not isinstance(pods, tuple):
        return pods
    rules = policies.value if isinstance(policies, Known) else ()
    for pod in pods:
        chosen = selecting(rules, pod)
        port = port_behind(evidence, each, pod)
        if not chosen or (port and admits(chosen, pod, port)):
            continue
        if port is None:
            return Unchecked(sentence=say(_n("The port of the pods is not known.")))
        through = comes_through(evidence, each)
        told = say(_n("Requests come through at present: it may not be enforced everywhere."))
        return Found(
            sentence=say(
                _n(
                    "The NetworkPolicy %(names)s lets only pods in to port %(port)d of %(pod)s; "
                    "kube-apiserver is no pod."
                ),
                names=", ".join(name_of(one) for one in chosen),
                port=port,
                pod=name_of(pod),
            ),
            evidence=(told,) if through else (),
            remedy=Remedy(
                sentence=say(
                    _n(
                        "Add an ingress rule for the port without `from`, or with the addresses of "
                        "the control plane as ipBlock."
                    )
                ),
                command=_open_port(chosen[0], port, reference.namespace),
            ),
            severity=Severity.WARNING if through else None,
        )
    return Passed()


@service_check(
    "A25", Severity.INFO, _n("The provider's firewall lets it through"), reads=[NODES, SERVICES]
)
def port_passes_the_firewall(evidence: Evidence, each: APIService) -> Outcome:
    """Managed control planes reach 443 and 10250 of the nodes; others need a rule."""
    provider = _provider(evidence)
    if isinstance(provider, Unread):
        return provider
    if not provider:
        return Inapplicable(sentence=say(_n("The cluster's nodes are of no known provider.")))
    pods = pods_behind(evidence, each)
    port = port_behind(evidence, each, pods[0]) if isinstance(pods, tuple) else None
    if port is None:
        return Unchecked(sentence=say(_n("The port of the pods is not known.")))
    if port in USUAL_PORTS or comes_through(evidence, each):
        return Passed(evidence=(say("%(port)d", port=port),))
    return Found(
        sentence=say(
            _n(
                "Port %(port)d usually needs a firewall rule from the control plane (%(provider)s)."
            ),
            port=port,
            provider=provider,
        ),
        remedy=Remedy(
            sentence=say(
                _n("Open the port from the control plane to the nodes, or listen on 10250.")
            ),
            command=_FIREWALLS.get(provider, _ANY_FIREWALL) % {"port": port},
        ),
    )


def _open_port(policy: Json, port: int, namespace: str) -> str:
    """Add a rule for the port at the end of a policy's ingress."""
    rule = json.dumps({"ports": [{"port": port}]})
    patch = f'[{{"op":"add","path":"/spec/ingress/-","value":{rule}}}]'
    return kubectl(
        *("--namespace", namespace, "patch", "networkpolicy", name_of(policy)),
        *("--type", "json", "--patch", patch),
    )


def port_behind(evidence: Evidence, each: APIService, pod: Json) -> int | None:
    """The port of the pod that the APIService's connections end at."""
    reference, behind = behind_of(evidence, each)
    if not isinstance(behind.service, Known):
        return None
    port = port_of(reference, service_ports(behind.service.value))
    if port is None:
        return None
    if isinstance(behind.endpoints, Known):
        for endpoint in ready_endpoints(behind.endpoints.value):
            if (number := endpoint.number_of(port.name)) is not None:
                return number
    return target_port(port.target, port.port, pod)


def _provider(evidence: Evidence) -> str | Unread:
    for mark in ("-gke.", "-eks-"):
        if mark in evidence.git_version:
            return mark.strip("-.").upper()
    if isinstance(evidence.some_node, Unread):
        return evidence.some_node
    for node in evidence.some_node.value if isinstance(evidence.some_node, Known) else ():
        found = text_at(node, "spec", "providerID")
        if found.startswith(_PROVIDERS):
            return found.partition("://")[0]
        if labels_of(node).get("kubernetes.azure.com/cluster"):
            return "azure"
    return ""
