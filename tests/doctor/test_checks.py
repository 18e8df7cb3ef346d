"""Every check over made evidence: found, unchecked and inapplicable by one change, else passed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from aggportal.doctor.evidence import Absent, Injected, Managed, Probed
from aggportal.doctor.examining import CHECKS
from aggportal.doctor.findings import Severity, Verdict
from aggportal.doctor.registry import run_checks
from tests.doctor import evidence_made as m
from tests.doctor.evidence_made import NAME, UNREAD, having, healthy, known
from tests.pki.certificates_made import CLIENT, NOW, authority, make, proxy_client, serving

DAY = dt.timedelta(days=1)
OVER: Any = {"since": NOW - 9 * DAY, "until": NOW - DAY}
OTHER = authority("other-ca")
FOUND, UNCHECKED, INAPPLICABLE = Verdict.FOUND, Verdict.UNCHECKED, Verdict.INAPPLICABLE
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


def bundle(*made):
    return m.registered(caBundle=m.encoded("".join(each.facts.pem for each in made)))


CASES = [
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


def results_of(evidence):
    return {each.check: each for each in run_checks(evidence).results}


@pytest.mark.parametrize(
    ("check", "verdict", "change"), CASES, ids=[f"{c}-{v}-{n}" for n, (c, v, _) in enumerate(CASES)]
)
def test_one_change_makes_the_check_say_so(check, verdict, change):
    assert results_of(healthy())[check].verdict == Verdict.PASSED if check != "A28" else True
    result = results_of(change(healthy()))[check]
    assert result.verdict == verdict, result
    assert result.sentence is not None
    assert str(result.sentence)
    if verdict == FOUND:
        assert result.remedy is not None
        assert all(str(each) for each in result.evidence)


def test_a_healthy_cluster_passes_every_check():
    others = {code for code, each in results_of(healthy()).items() if each.verdict != "passed"}
    assert others == set()
    assert set(CHECKS) - set(results_of(healthy())) == {"A28"}


def test_every_check_of_the_list_is_there_and_is_seen_to_find():
    trust = [f"T{n:02d}" for n in range(1, 15)]
    services = [f"A{n:02d}" for n in range(1, 29)]
    wanted = {*trust, *services, *(f"I{n:02d}" for n in range(1, 5))}
    assert set(CHECKS) == wanted == {check for check, verdict, _ in CASES if verdict == FOUND}


def test_what_is_not_permitted_carries_the_rule_that_would_allow_it():
    for check, change in (
        ("T01", UNREAD_TRUST),
        ("I01", having(namespaces=UNREAD)),
        ("A11", m.listing(403, "ada", may_ask=False)),
    ):
        assert results_of(change(healthy()))[check].rule == m.RULE


def test_the_issuer_and_what_the_bundle_holds_stand_beside_the_answer():
    refused = m.answering(503, "x509: certificate signed by unknown authority")
    result = results_of(m.both(bundle(OTHER), refused)(healthy()))["A09"]
    told = str(result.evidence[0])
    assert "issued by CN=serving-ca, caBundle holds CN=other-ca" in told


def test_an_overlap_of_cas_is_critical_only_where_no_name_is_required():
    overlap = cas(m.FRONT_PROXY, m.CLIENT_CA)(healthy())
    assert results_of(overlap)["T02"].severity == Severity.WARNING
    data = dict(overlap.trust.value["data"]) | {"requestheader-allowed-names": "[]"}
    assert results_of(having(trust=known({"data": data}))(overlap))["T02"].severity == "critical"
