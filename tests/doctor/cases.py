"""Changes of a cluster that is well, and what a check makes of each."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from aggportal.doctor.evidence import Absent, Injected, Managed, Probed
from aggportal.doctor.findings import Verdict
from tests.doctor import evidence_made as m
from tests.doctor.evidence_made import NAME, UNREAD, having, known
from tests.pki.certificates_made import CLIENT, NOW, authority, make, proxy_client, serving

DAY = dt.timedelta(days=1)
OVER: Any = {"since": NOW - 9 * DAY, "until": NOW - DAY}
OTHER = authority("other-ca")
FOUND, UNCHECKED, INAPPLICABLE = Verdict.FOUND, Verdict.UNCHECKED, Verdict.INAPPLICABLE
PASSED = Verdict.PASSED
GONE = Absent(path="/x")
EXTERNAL = m.serviced(type="ExternalName", externalName="api.example.com")
UNREAD_TRUST = having(trust=UNREAD)
UNSET = m.trusting(requestheader_client_ca_file=None)
NO_PROBE, NOT_MANAGED = having(probes={}), having(managed=Managed())
FAILED = {"status": "False", "reason": "FailedDiscoveryCheck", "message": "i/o timeout"}
STUCK = {"type": "NamespaceDeletionDiscoveryFailure", "status": "True", "message": "x"}
BLIND = {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}
ROLE = "node-role.kubernetes.io/control-plane"
MASTER = {
    "metadata": {"name": "m", "labels": {ROLE: ""}},
    "spec": {"taints": [{"key": ROLE, "effect": "NoSchedule"}]},
}
KUBE_PROXY = {"metadata": {"name": "kube-proxy"}, "spec": {"template": {"spec": {}}}}
LOST = m.both(
    m.answering(503, "no"), having(control_nodes=known((MASTER,)), daemonsets=known((KUBE_PROXY,)))
)
CRD = {"spec": {"group": "clinic.example.com", "versions": [{"name": "v1", "served": True}]}}
SHUT = {
    "metadata": {"name": "shut"},
    "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]},
}


def managed(made, **rest):
    return having(managed=Managed(proxy_clients=(m.client(made, **rest),)))


def cas(*made):
    return m.trusting(requestheader_client_ca_file="".join(each.facts.pem for each in made))


RETIRED = Managed(front_proxy_cas=(m.FRONT_PROXY.facts,), retired_cas=(OTHER.facts,))
UNHELD = having(managed=Managed(proxy_clients=(replace(m.client(m.PROXY), key_spki=""),)))
ENDING = {"metadata": {"name": "clinic"}, "status": {"phase": "Terminating"}}


def bundle(*made):
    return m.registered(caBundle=m.encoded("".join(each.facts.pem for each in made)))


def serving_key(**fields):
    """The serving certificate, otherwise than it was read."""
    own = replace(m.OWN.facts, **fields)
    return having(probes={NAME: Probed(address="10.0.0.1:8443", chain=(own,))})


def headless(*flags):
    """A Service without an address, nothing comes through, and kube-apiservers with these flags."""
    pods = known(tuple(m.server(f"m{n}", [*m.SEVEN, *each]) for n, each in enumerate(flags)))
    service = m.serviced(clusterIP="None")
    return m.both(service, m.answering(503, "no"), having(server_pods=pods))


def writer(*verbs, names=()):
    """Somebody who may do this with APIServices, maybe of some names alone."""
    rule = {"apiGroups": ["apiregistration.k8s.io"], "resources": ["apiservices"]}
    rule |= {"verbs": list(verbs)} | ({"resourceNames": list(names)} if names else {})
    role = {"metadata": {"name": "some"}, "rules": [rule]}
    bound = m.binding("some", "ClusterRole", {"kind": "User", "name": "eve"})
    roles, bindings = known((*m.ROLES, role)), known((*m.BINDINGS, bound))
    return having(cluster_roles=roles, cluster_bindings=bindings)


def local(status=200, **rest):
    return m.both(m.registered(service=None, **rest), m.answering(status, "no"))


ROUTED = ["--enable-aggregator-routing=true"]
BETWEEN = make("between", by=m.FRONT_PROXY, is_ca=True)
CA_BETWEEN = make("between", by=m.CLIENT_CA, is_ca=True)
CASES = [
    *(
        (check, UNCHECKED, m.trusting(requestheader_client_ca_file="garbage"))
        for check in ("T02", "T06", "T07", "T08", "T09")
    ),
    ("T01", FOUND, m.trusting(requestheader_allowed_names="none")),
    ("T02", UNCHECKED, m.trusting(client_ca_file="garbage")),
    ("T02", UNCHECKED, m.trusting(requestheader_allowed_names="[5]")),
    ("T03", UNCHECKED, m.trusting(requestheader_allowed_names="none")),
    ("T04", UNCHECKED, m.trusting(requestheader_group_headers="{}")),
    ("T05", UNCHECKED, m.trusting(requestheader_uid_headers="x")),
    ("T05", UNCHECKED, having(minor=None)),
    ("T06", FOUND, cas(m.FRONT_PROXY, authority("early", until=NOW + 30 * DAY))),
    ("T07", FOUND, m.both(cas(m.FRONT_PROXY, OTHER), having(managed=RETIRED))),
    ("T09", UNCHECKED, m.trusting(client_ca_file="garbage")),
    ("T09", FOUND, managed(proxy_client(CA_BETWEEN), above=(CA_BETWEEN,))),
    ("T09", FOUND, m.both(cas(m.FRONT_PROXY, m.CLIENT_CA), managed(proxy_client(m.CLIENT_CA)))),
    ("T10", UNCHECKED, m.trusting(requestheader_allowed_names="none")),
    ("T10", FOUND, managed(m.PROXY, key=OTHER)),
    ("T10", UNCHECKED, UNHELD),
    (
        "T12",
        FOUND,
        having(server_pods=known((m.server("a", [*m.SEVEN, *ROUTED]), m.server("b", m.SEVEN)))),
    ),
    (
        "T12",
        FOUND,
        having(server_pods=known((m.server("a", m.SEVEN), m.server("b", m.SEVEN[:-2])))),
    ),
    ("A04", UNCHECKED, having(namespaces=UNREAD)),
    ("A04", FOUND, having(namespaces=known((ENDING,)))),
    (
        "A05",
        FOUND,
        m.both(EXTERNAL, having(server_pods=known((m.server("a", [*m.SEVEN, *ROUTED]),)))),
    ),
    ("A05", FOUND, headless(ROUTED, [])),
    ("A05", PASSED, headless(ROUTED, ROUTED)),
    ("A05", UNCHECKED, m.both(headless(ROUTED), having(server_pods=UNREAD))),
    ("A08", UNCHECKED, m.standing(endpoints=known(m.slices(("1.1.1.1", ""), ("1.1.1.2", "a"))))),
    ("A13", FOUND, bundle(m.SERVING, serving(OTHER))),
    ("A18", FOUND, serving_key(key="ECDSA secp256k1")),
    ("A18", FOUND, serving_key(key="RSA 1024")),
    ("A18", PASSED, serving_key(key="Ed25519")),
    ("A19", FOUND, bundle(m.SERVING, OTHER)),
    ("A20", FOUND, having(freshness=known({}))),
    ("A20", UNCHECKED, having(freshness=known({"clinic.example.com/v1": ""}))),
    ("A23", PASSED, having(cluster_bindings=known(m.BINDINGS[:2]))),
    (
        "A23",
        FOUND,
        m.both(
            having(cluster_bindings=known(())),
            m.standing(pods=known((m.pod(), m.pod(ready=False)))),
        ),
    ),
    ("A26", FOUND, m.registered(group="resource.k8s.io")),
    ("A26", FOUND, m.registered(group="internal.apiserver.k8s.io")),
    ("A26", FOUND, m.registered(group="storagemigration.k8s.io")),
    ("A28", PASSED, local()),
    ("A28", FOUND, local(404, group="apps")),
    ("A28", FOUND, m.both(local(404), having(crds=known((CRD,))))),
    ("A28", UNCHECKED, local(403)),
    ("A28", UNCHECKED, m.both(local(), having(discoveries={}))),
    ("I04", FOUND, writer("delete")),
    ("I04", FOUND, writer("patch", names=["v1beta1.metrics.k8s.io"])),
    ("I04", PASSED, writer("create", names=["v1beta1.metrics.k8s.io"])),
    ("T01", FOUND, UNSET),
    ("T01", FOUND, m.trusting(requestheader_client_ca_file="garbage")),
    ("T01", UNCHECKED, UNREAD_TRUST),
    ("T02", FOUND, cas(m.FRONT_PROXY, m.CLIENT_CA)),
    ("T02", INAPPLICABLE, UNSET),
    ("T02", UNCHECKED, UNREAD_TRUST),
    ("T03", FOUND, m.trusting(requestheader_allowed_names="[]")),
    ("T03", UNCHECKED, UNREAD_TRUST),
    ("T04", FOUND, m.trusting(requestheader_group_headers='["X-Group"]')),
    ("T04", UNCHECKED, UNREAD_TRUST),
    ("T05", FOUND, m.trusting(requestheader_uid_headers='["X-Uid"]')),
    ("T05", INAPPLICABLE, having(minor=31)),
    ("T05", UNCHECKED, UNREAD_TRUST),
    ("T06", FOUND, cas(authority("old", **OVER))),
    ("T06", FOUND, cas(authority("soon", until=NOW + 30 * DAY))),
    ("T06", UNCHECKED, UNREAD_TRUST),
    ("T07", FOUND, cas(m.FRONT_PROXY, OTHER)),
    ("T07", INAPPLICABLE, NOT_MANAGED),
    ("T07", UNCHECKED, UNREAD_TRUST),
    ("T08", FOUND, cas(m.FRONT_PROXY, authority("front-proxy-ca"))),
    ("T08", UNCHECKED, UNREAD_TRUST),
    ("T09", FOUND, managed(proxy_client(OTHER))),
    ("T09", FOUND, managed(proxy_client(m.CLIENT_CA))),
    ("T09", INAPPLICABLE, NOT_MANAGED),
    ("T09", UNCHECKED, UNREAD_TRUST),
    ("T10", FOUND, managed(proxy_client(m.FRONT_PROXY, "somebody"))),
    ("T10", FOUND, managed(proxy_client(m.FRONT_PROXY, extended=()))),
    ("T10", INAPPLICABLE, NOT_MANAGED),
    ("T10", UNCHECKED, UNREAD_TRUST),
    ("T11", FOUND, managed(proxy_client(m.FRONT_PROXY, **OVER))),
    ("T11", FOUND, managed(proxy_client(m.FRONT_PROXY, until=NOW + DAY))),
    ("T11", INAPPLICABLE, NOT_MANAGED),
    ("T12", FOUND, having(server_pods=known((m.server("a", m.SEVEN[:-1]),)))),
    ("T12", FOUND, having(server_pods=known((m.server("a", [*m.SEVEN, m.SEVEN[2]]),)))),
    ("T12", UNCHECKED, having(server_pods=known(()))),
    ("T12", UNCHECKED, having(server_pods=UNREAD)),
    ("T13", FOUND, LOST),
    ("T13", UNCHECKED, m.both(LOST, having(control_nodes=UNREAD))),
    ("T13", UNCHECKED, m.both(LOST, having(daemonsets=UNREAD))),
    ("T13", UNCHECKED, m.both(LOST, having(control_nodes=known(())))),
    ("T14", FOUND, having(delegator=GONE)),
    ("T14", UNCHECKED, having(auth_reader=UNREAD)),
    ("A01", FOUND, m.registered(FAILED)),
    ("A02", FOUND, m.both(m.registered({}), having(now=NOW + DAY))),
    ("A03", FOUND, having(turns={NAME: 3})),
    ("A04", FOUND, m.standing(service=GONE)),
    ("A04", UNCHECKED, m.standing(service=UNREAD)),
    ("A05", FOUND, m.answering(503, 'unsupported service type "ExternalName"')),
    ("A05", INAPPLICABLE, m.standing(service=GONE)),
    ("A05", UNCHECKED, m.standing(service=UNREAD)),
    ("A06", FOUND, m.serviced(ports=[{"port": 6443}])),
    ("A06", INAPPLICABLE, EXTERNAL),
    ("A06", UNCHECKED, m.standing(service=UNREAD)),
    ("A07", FOUND, m.standing(endpoints=known(()))),
    ("A07", FOUND, m.standing(endpoints=known(m.slices(("10.0.0.1", "a"), port="web")))),
    ("A07", INAPPLICABLE, EXTERNAL),
    ("A07", UNCHECKED, m.standing(endpoints=UNREAD)),
    ("A08", FOUND, m.standing(endpoints=known(m.slices(("10.0.0.1", "a"))))),
    ("A08", FOUND, m.standing(endpoints=known(m.slices(("1.1.1.1", "a"), ("1.1.1.2", "a"))))),
    ("A08", FOUND, having(budgets={"clinic": known(())})),
    ("A08", FOUND, having(budgets={"clinic": known((m.budget(0),))})),
    ("A08", UNCHECKED, having(budgets={"clinic": UNREAD})),
    ("A08", UNCHECKED, m.standing(endpoints=UNREAD)),
    ("A09", FOUND, m.answering(503, "x509: certificate signed by unknown authority")),
    ("A09", FOUND, m.answering(200, "<html>")),
    ("A09", FOUND, m.answering(200, '{"kind": "APIResourceList", "groupVersion": "x/v1"}')),
    ("A09", FOUND, m.answering(403, 'User "system:anonymous" cannot get path')),
    ("A09", UNCHECKED, m.answering(403, 'User "ada" cannot get path')),
    ("A09", UNCHECKED, m.answering(None, "")),
    ("A09", UNCHECKED, having(discoveries={})),
    ("A10", FOUND, m.answering(milliseconds=1500)),
    ("A10", UNCHECKED, m.answering(503, "service unavailable")),
    ("A10", UNCHECKED, having(discoveries={})),
    ("A11", FOUND, m.listing(403, "front-proxy-client", may_ask=True)),
    ("A11", FOUND, m.listing(401)),
    ("A11", UNCHECKED, m.listing(403, "ada", may_ask=False)),
    ("A11", UNCHECKED, m.listing(500)),
    ("A11", UNCHECKED, having(lists={})),
    ("A12", FOUND, m.registered(insecureSkipTLSVerify=True, caBundle=None)),
    ("A13", FOUND, m.registered(caBundle=m.encoded("garbage"))),
    ("A13", FOUND, bundle(serving(OTHER))),
    ("A13", INAPPLICABLE, m.registered(caBundle=None)),
    ("A14", FOUND, bundle(authority("serving-ca", **OVER))),
    ("A14", FOUND, bundle(m.SERVING, authority("serving-ca", **OVER))),
    ("A14", INAPPLICABLE, m.registered(caBundle=None)),
    ("A15", FOUND, m.registered(caBundle=None)),
    ("A15", INAPPLICABLE, m.registered(insecureSkipTLSVerify=True, caBundle=None)),
    ("A16", FOUND, bundle(OTHER)),
    ("A16", UNCHECKED, NO_PROBE),
    ("A16", UNCHECKED, having(probes={NAME: Probed(address="10.0.0.1:8443")})),
    ("A16", UNCHECKED, m.registered(caBundle=None)),
    ("A16", INAPPLICABLE, m.registered(insecureSkipTLSVerify=True, caBundle=None)),
    ("A17", FOUND, m.serving_with(serving(m.SERVING, namespace="other"))),
    ("A17", UNCHECKED, NO_PROBE),
    ("A18", FOUND, m.serving_with(make("api", by=m.SERVING, extended=(CLIENT,)))),
    ("A18", FOUND, m.serving_with(serving(m.SERVING, **OVER))),
    ("A18", UNCHECKED, NO_PROBE),
    ("A19", FOUND, having(injected={NAME: Injected(source="a/b", ca_pem=known(OTHER.facts.pem))})),
    ("A19", FOUND, having(injected={NAME: Injected(source="a/b", ca_pem=GONE)})),
    ("A19", UNCHECKED, having(injected={NAME: Injected(source="a/b", ca_pem=UNREAD)})),
    ("A19", UNCHECKED, having(injected={})),
    ("A19", INAPPLICABLE, having(injected={NAME: Injected(source="", ca_pem=GONE)})),
    ("A20", FOUND, having(freshness=known({"clinic.example.com/v1": "Stale"}))),
    ("A20", UNCHECKED, having(freshness=UNREAD)),
    ("A20", INAPPLICABLE, having(freshness=GONE)),
    ("A21", FOUND, m.answering(200, '{"kind": "APIResourceList", "resources": []}')),
    ("A21", UNCHECKED, m.answering(503, "no")),
    ("A22", FOUND, having(cluster_bindings=known(()))),
    ("A22", UNCHECKED, having(cluster_roles=UNREAD)),
    ("A22", UNCHECKED, m.standing(pods=UNREAD)),
    (
        "A23",
        FOUND,
        m.both(having(cluster_bindings=known(())), m.standing(pods=known((m.pod(ready=False),)))),
    ),
    ("A23", UNCHECKED, having(cluster_bindings=UNREAD)),
    ("A24", FOUND, having(policies={"clinic": known((SHUT,))})),
    ("A24", UNCHECKED, having(policies={"clinic": UNREAD})),
    ("A24", UNCHECKED, having(policies={})),
    ("A25", FOUND, m.answering(503, "no")),
    ("A25", UNCHECKED, having(git_version="", some_node=UNREAD)),
    ("A25", INAPPLICABLE, having(git_version="", some_node=known(()))),
    ("A26", FOUND, having(crds=known((CRD,)))),
    ("A26", UNCHECKED, having(crds=UNREAD)),
    ("A27", FOUND, m.registered(groupPriorityMinimum=18000)),
    ("A27", UNCHECKED, m.registered(groupPriorityMinimum="x")),
    ("A28", FOUND, m.both(m.registered(service=None), m.answering(404, "no"))),
    ("A28", UNCHECKED, m.both(m.registered(service=None), having(crds=UNREAD))),
    ("I01", FOUND, having(namespaces=known(({"status": {"conditions": [STUCK]}},)))),
    ("I01", UNCHECKED, having(namespaces=UNREAD)),
    ("I02", FOUND, having(autoscalers=known(({"status": {"conditions": [BLIND]}},)))),
    ("I02", UNCHECKED, having(autoscalers=UNREAD)),
    ("I03", FOUND, having(metrics=known({"aggregator_unavailable_apiservice": 1.0}))),
    ("I03", UNCHECKED, having(metrics=UNREAD)),
    ("I03", INAPPLICABLE, having(metrics=GONE)),
    (
        "I04",
        FOUND,
        having(cluster_bindings=known((m.binding("cluster-admin", "ClusterRole", m.ACCOUNT),))),
    ),
    ("I04", UNCHECKED, having(cluster_roles=UNREAD)),
]
