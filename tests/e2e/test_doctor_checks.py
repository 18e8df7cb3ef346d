"""Faults planted on a real control plane: each is found, and passes when it is mended.

One control plane serves the whole file; a test that needs other flags restarts kube-apiserver.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from aggportal.doctor.evidence import Managed, ProxyClient
from aggportal.doctor.findings import Severity, Verdict
from aggportal.kube.apiservices import APISERVICES_PATH
from aggportal.kube.permissions import DOCTOR_RULES, READ_RULES
from aggportal.pki.keys import load_private_key, spki_sha256
from aggportal.pki.reading import read_certificates
from tests.e2e.backend import NAME, Backend
from tests.e2e.clinic import (
    APISERVICE,
    SANS,
    SERVICE,
    Authority,
    Clinic,
    apiservice,
    front_proxy_flags,
    no_admission_of_accounts,
)
from tests.e2e.control_plane import ExtensionServer
from tests.kube.tls import TestAuthority

pytestmark = pytest.mark.e2e

FRONT_PROXY = Authority(common_name="front-proxy-ca")
SERVING = Authority(common_name="serving-ca")
GOOD = SERVING.serving(SANS, days=(-1, 300))
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("front-proxy")


@pytest.fixture(scope="module")
def usual(folder):
    """Flags as they should be."""
    return front_proxy_flags(folder / "usual", [FRONT_PROXY], proxy_client())


def proxy_client(
    authority=FRONT_PROXY,
    name="front-proxy-client",
    *,
    usage=ExtendedKeyUsageOID.CLIENT_AUTH,
    days=(-10, 300),
):
    return authority.leaf(name, usage, days=days)


@pytest.fixture(scope="module")
def clinic(start_control_plane, usual):
    backend = Backend(GOOD)
    made = Clinic(start_control_plane(usual), backend, SERVING)
    made.register()
    made.condition("True")
    made.passes("A09")
    yield made
    backend.stop()


def bundle_of(*authorities):
    return base64.b64encode("".join(each.pem for each in authorities).encode()).decode()


def setting(**fields):
    """A change of an object's spec; None drops the field."""

    def change(document):
        document["spec"].update(fields)
        document["spec"] = {k: v for k, v in document["spec"].items() if v is not None}

    return change


# What the APIService says of its backend's certificate.


def test_a_wrong_ca_bundle_is_found_while_the_condition_stays_true(clinic):
    other = Authority(common_name="other-ca")
    with clinic.changed(APISERVICE, setting(caBundle=bundle_of(other))):
        seen = clinic.finds("A09", "A16")
        assert seen["A01"].verdict == Verdict.PASSED
        told = " ".join(str(each) for each in seen["A09"].evidence)
        assert "issued by CN=serving-ca, caBundle holds CN=other-ca" in told
    clinic.passes("A09", "A16")


def test_an_expired_ca_bundle_is_found(clinic):
    over = Authority(common_name="serving-ca", key=SERVING.key, days=(-30, -1))
    with clinic.changed(APISERVICE, setting(caBundle=bundle_of(over))):
        assert clinic.finds("A14")["A14"].severity == Severity.ERROR
    clinic.passes("A14")
    with clinic.changed(APISERVICE, setting(caBundle=bundle_of(SERVING, over))):
        assert clinic.finds("A14")["A14"].severity == Severity.WARNING
    clinic.passes("A14", "A09")


def test_a_missing_ca_bundle_is_found(clinic):
    with clinic.changed(APISERVICE, setting(caBundle=None)):
        assert clinic.finds("A15", "A09")["A16"].verdict == Verdict.UNCHECKED
    clinic.passes("A15", "A09")


def test_garbage_as_ca_bundle_is_found(clinic):
    garbage = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nnothing\n").decode()
    with clinic.changed(APISERVICE, setting(caBundle=garbage)):
        clinic.finds("A13")
    clinic.passes("A13")


def test_tls_that_is_not_verified_is_found(clinic):
    with clinic.changed(APISERVICE, setting(caBundle=None, insecureSkipTLSVerify=True)):
        assert clinic.finds("A12")["A09"].verdict == Verdict.PASSED
    clinic.passes("A12")


# The certificate that the backend shows.


@contextlib.contextmanager
def shown(clinic, pair):
    clinic.backend.present(pair)
    try:
        yield
    finally:
        clinic.backend.present(GOOD)


def test_a_serving_certificate_without_the_services_name_is_found(clinic):
    with shown(clinic, SERVING.serving("api.clinic.svc.cluster.local", days=(-1, 300))):
        seen = clinic.finds("A17", "A09")
        assert "api.clinic.svc.cluster.local" in str(seen["A17"].sentence)
        assert seen["A16"].verdict == Verdict.PASSED
    clinic.passes("A17", "A09")


def test_an_expired_serving_certificate_is_found(clinic):
    with shown(clinic, SERVING.serving(SANS, days=(-9, -2))):
        seen = clinic.finds("A18", "A09")
        assert seen["A18"].severity == Severity.ERROR
        assert seen["A16"].verdict == Verdict.PASSED
    with shown(clinic, SERVING.serving(SANS, days=(-9, 2))):
        assert clinic.finds("A18")["A18"].severity == Severity.WARNING
    clinic.passes("A18", "A09")


def test_a_client_certificate_used_for_serving_is_found(clinic):
    with shown(clinic, SERVING.client("api")):
        assert "client auth" in str(clinic.finds("A17", "A18")["A18"].sentence)
    clinic.passes("A17", "A18")


def test_a_bundle_that_is_not_the_one_of_the_secret_is_found(clinic):
    secrets = "/api/v1/namespaces/clinic/secrets"
    wanted = {"ca.crt": bundle_of(Authority(common_name="injected-ca"))}
    secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "tls"}, "data": wanted}
    note = {"cert-manager.io/inject-ca-from-secret": "clinic/tls"}
    with (
        clinic.made(secrets, secret),
        clinic.changed(APISERVICE, lambda doc: doc["metadata"].update(annotations=note)),
    ):
        assert "clinic/tls" in str(clinic.finds("A19")["A19"].sentence)
        right = {"ca.crt": bundle_of(SERVING)}
        clinic.write(f"{secrets}/tls", lambda doc: doc["data"].update(right))
        clinic.passes("A19")


# What the backend answers.


@contextlib.contextmanager
def behaving(clinic, **how):
    usual = {name: getattr(clinic.backend, name) for name in how}
    for name, value in how.items():
        setattr(clinic.backend, name, value)
    try:
        yield
    finally:
        for name, value in usual.items():
            setattr(clinic.backend, name, value)


@pytest.mark.parametrize("status", [404, 500])
def test_a_backend_that_fails_is_found(clinic, status):
    with behaving(clinic, answer=(status, "no")):
        clinic.finds("A09")
        clinic.condition("False")
        seen = clinic.finds("A01", "A09")
        assert str(status) in str(seen["A01"].evidence[0])
    clinic.condition("True")
    clinic.passes("A01", "A09")


def test_a_backend_that_answers_with_a_page_is_found_while_the_condition_stays_true(clinic):
    with behaving(clinic, answer=(200, "<html>It works!</html>")):
        seen = clinic.finds("A09")
        assert seen["A01"].verdict == Verdict.PASSED
        assert "It works!" in str(seen["A09"].evidence[0])
    clinic.passes("A09")


def test_a_backend_without_resources_is_found(clinic):
    with behaving(clinic, resources=[]):
        assert clinic.finds("A21")["A09"].verdict == Verdict.PASSED
    clinic.passes("A21")


def test_a_slow_backend_is_a_warning_and_one_over_five_seconds_an_error(clinic):
    with behaving(clinic, seconds=1.5):
        assert clinic.finds("A10")["A10"].severity == Severity.WARNING
    with behaving(clinic, seconds=7.0):
        assert clinic.look()["A10"].severity == Severity.ERROR
    clinic.condition("True")
    assert clinic.passes("A10")


def test_a_backend_that_dies_and_comes_again_and_again_is_found(clinic):
    turns = 0
    for _ in range(2):
        clinic.backend.stop()
        clinic.condition("False")
        assert clinic.look()["A01"].verdict == Verdict.FOUND
        clinic.backend.start()
        clinic.condition("True")
        turns += 2
    usual = clinic.background
    clinic.background = dataclasses.replace(usual, turns={NAME: turns})
    clinic.finds("A03")
    clinic.background = usual
    clinic.passes("A03", "A01")


# What stands between.


def test_a_service_that_is_gone_is_found(clinic):
    service = {k: v for k, v in clinic.client.get_json(SERVICE).items() if k != "status"}
    clinic.client.delete(SERVICE)
    assert "clinic/api" in str(clinic.finds("A04", "A01")["A04"].sentence)
    metadata = {"name": "api", "namespace": "clinic"}
    clinic.client.create("/api/v1/namespaces/clinic/services", {**service, "metadata": metadata})
    clinic.condition("True")
    clinic.passes("A04", "A01")


@contextlib.contextmanager
def second_service(clinic, **spec):
    """v2.clinic.example.com, in front of a Service with an address and no endpoints."""
    ports = [{"name": "https", "port": 443, "targetPort": 8443}]
    service = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "second"}}
    service["spec"] = {"ports": ports, "selector": {"app": "second"}, **spec}
    reference = {"namespace": "clinic", "name": "second", "port": 443}
    body = apiservice("v2.clinic.example.com", SERVING.pem, 443, service=reference)
    with (
        clinic.made("/api/v1/namespaces/clinic/services", service),
        clinic.made(APISERVICES_PATH, body),
    ):
        yield f"{APISERVICES_PATH}/v2.clinic.example.com"


def ready(*addresses, port="https"):
    """Ready endpoints, each (IP, node), as an object of before EndpointSlices."""
    places = [{"ip": ip, "nodeName": node} for ip, node in addresses]
    ports = [{"name": port, "port": 8443}]
    body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "second"}}
    return {**body, "subsets": [{"addresses": places, "ports": ports}]}


def sliced(document):
    """The same as an EndpointSlice."""
    (subset,) = document["subsets"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "second", "labels": {"kubernetes.io/service-name": "second"}},
        "addressType": "IPv4",
        "ports": [{**subset["ports"][0], "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [each["ip"]], "nodeName": each["nodeName"], "conditions": {"ready": True}}
            for each in subset["addresses"]
        ],
    }


def endpoints(clinic, document):
    """Make them meanwhile, in the form that this kube-apiserver knows."""
    if clinic.client.get_raw(SLICES).status == 200:
        return clinic.made(SLICES, sliced(document))
    return clinic.made("/api/v1/namespaces/clinic/endpoints", document)


SECOND = {"subject": "v2.clinic.example.com"}
SLICES = "/apis/discovery.k8s.io/v1/namespaces/clinic/endpointslices"


def test_a_port_that_the_service_does_not_have_is_found(clinic):
    with second_service(clinic) as path:
        clinic.passes("A06", **SECOND)
        with clinic.changed(path, lambda doc: doc["spec"]["service"].update(port=6443)):
            assert "443" in str(clinic.finds("A06", **SECOND)["A06"].sentence)
        clinic.passes("A06", **SECOND)


def test_pods_that_no_budget_keeps_or_that_may_not_go_are_found(clinic):
    budgets = "/apis/policy/v1/namespaces/clinic/poddisruptionbudgets"
    if clinic.client.get_raw(budgets).status == 404:  # before 1.21
        budgets = budgets.replace("/v1/", "/v1beta1/")
    selector = {"selector": {"matchLabels": {"app": "second"}}, "minAvailable": 1}
    budget = {"kind": "PodDisruptionBudget", "apiVersion": budgets[6:].partition("/name")[0]}
    body = {**budget, "metadata": {"name": "second"}, "spec": selector}
    pods = [pod(f"second-{number}", labels={"app": "second"}) for number in (1, 2)]
    with (
        second_service(clinic),
        endpoints(clinic, ready(("192.0.2.10", "a"), ("192.0.2.11", "b"))),
        clinic.made("/api/v1/namespaces/clinic/pods", *pods),
    ):
        assert "drains may evict" in str(clinic.finds("A08", **SECOND)["A08"].sentence)
        with clinic.made(budgets, body):
            assert "lets no pod go" in str(clinic.finds("A08", **SECOND)["A08"].sentence)
            status = {"disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1}
            status |= {"expectedPods": 2, "observedGeneration": 1}
            clinic.write(f"{budgets}/second/status", lambda doc: doc.update(status=status))
            clinic.passes("A08", **SECOND)


def test_no_endpoints_and_wrongly_named_ones_and_a_lonely_one_are_found(clinic):
    with second_service(clinic):
        clinic.finds("A07", **SECOND)
        with endpoints(clinic, ready(("192.0.2.10", "a"), port="web")):
            assert "web" in str(clinic.finds("A07", **SECOND)["A07"].sentence)
        with endpoints(clinic, ready(("192.0.2.10", "a"))):
            assert clinic.finds("A08", **SECOND)["A07"].verdict == Verdict.PASSED
        with endpoints(clinic, ready(("192.0.2.10", "a"), ("192.0.2.11", "b"))):
            clinic.passes("A07", "A08", **SECOND)


def pod(name, *, labels, **spec):
    container = {"name": name.rpartition("-")[0] or name, "image": "none"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container | spec.pop("container", {})], **spec},
    }


PODS = "/api/v1/namespaces/{}/pods"


def bound(kind, name, role, namespace=""):
    """A binding of the backend's account."""
    group = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": "api", "namespace": "clinic"}
    ref = {"apiGroup": group, "kind": "Role" if namespace else "ClusterRole", "name": role}
    body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name}}
    return {**body, "roleRef": ref, "subjects": [account]}


@pytest.fixture
def backends_pod(clinic):
    pods = PODS.format("clinic")
    with clinic.made(pods, pod("api-1", labels={"app": "api"}, serviceAccountName="api")):
        yield pods + "/api-1"


@pytest.mark.usefixtures("backends_pod")
def test_an_account_without_the_roles_for_delegation_is_found(clinic):
    seen = clinic.finds("A22")
    assert "system:auth-delegator" in str(seen["A22"].sentence)
    reader = "extension-apiserver-authentication-reader"
    in_system = bound("RoleBinding", "api", reader, "kube-system")
    delegator = bound("ClusterRoleBinding", "api", "system:auth-delegator")
    with (
        clinic.made(f"{RBAC}/clusterrolebindings", delegator),
        clinic.made(f"{RBAC}/namespaces/kube-system/rolebindings", in_system),
    ):
        clinic.passes("A22")


@pytest.mark.usefixtures("backends_pod")
def test_an_account_that_waits_for_what_it_may_not_read_is_found(clinic):
    clinic.finds("A23")
    group = "flowcontrol.apiserver.k8s.io"
    kinds = ["flowschemas", "prioritylevelconfigurations"]
    rules = [{"apiGroups": [group], "resources": kinds, "verbs": ["list", "watch"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": rules}
    with (
        clinic.made(f"{RBAC}/clusterroles", {**role, "metadata": {"name": "flows"}}),
        clinic.made(f"{RBAC}/clusterrolebindings", bound("ClusterRoleBinding", "flows", "flows")),
    ):
        clinic.passes("A23")


@pytest.mark.usefixtures("backends_pod")
def test_a_network_policy_that_lets_only_pods_in_is_found(clinic):
    policies = "/apis/networking.k8s.io/v1/namespaces/clinic/networkpolicies"
    pods_only: dict[str, object] = {"from": [{"podSelector": {}}]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    spec = {"podSelector": {"matchLabels": {"app": "api"}}, "ingress": [pods_only]}
    with clinic.made(policies, {**policy, "metadata": {"name": "shut"}, "spec": spec}):
        assert "shut" in str(clinic.finds("A24")["A24"].sentence)
        opened = [pods_only, {"ports": [{"port": 8443}]}]
        with clinic.changed(f"{policies}/shut", setting(ingress=opened)):
            clinic.passes("A24")


@pytest.mark.usefixtures("backends_pod")
def test_a_port_that_a_provider_shuts_is_told_while_nothing_comes_through(clinic):
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "cloudy"}}
    node["spec"] = {"providerID": "aws:///zone/i-1"}
    with clinic.made("/api/v1/nodes", node):
        clinic.passes("A25")
        with behaving(clinic, answer=(500, "no")):
            assert clinic.finds("A25")["A25"].severity == Severity.INFO


# The control plane itself.


def kube_apiserver(name, **flags):
    command = ["kube-apiserver", *(f"--{n.replace('_', '-')}={v}" for n, v in flags.items())]
    return pod(f"kube-apiserver-{name}", labels={}, container={"command": command})


SEVEN = {
    "requestheader_client_ca_file": "/ca.crt",
    "requestheader_allowed_names": "front-proxy-client",
    "requestheader_username_headers": "X-Remote-User",
    "requestheader_group_headers": "X-Remote-Group",
    "requestheader_extra_headers_prefix": "X-Remote-Extra-",
    "proxy_client_cert_file": "/c.crt",
    "proxy_client_key_file": "/c.key",
}


def test_kube_apiservers_with_different_flags_are_found(clinic):
    pods = PODS.format("kube-system")
    one, two = kube_apiserver("one", **SEVEN), kube_apiserver("two", **SEVEN)
    with clinic.made(pods, one):
        with clinic.made(pods, two):
            clinic.passes("T12")
        changed = SEVEN | {"requestheader_allowed_names": "somebody"}
        with clinic.made(pods, kube_apiserver("two", **changed)):
            assert "kube-apiserver-two: somebody" in str(clinic.finds("T12")["T12"].sentence)
        with clinic.made(pods, kube_apiserver("two")):
            assert "lacks" in str(clinic.finds("T12")["T12"].sentence)


def test_a_control_plane_without_kube_proxy_is_found(clinic):
    role = "node-role.kubernetes.io/control-plane"
    node: dict[str, object] = {"apiVersion": "v1", "kind": "Node"}
    node["metadata"] = {"name": "m", "labels": {role: ""}}
    node["spec"] = {"taints": [{"key": role, "effect": "NoSchedule"}]}
    labels = {"k8s-app": "kube-proxy"}
    template: dict[str, object] = {"metadata": {"labels": labels}}
    template["spec"] = {"containers": [{"name": "kube-proxy", "image": "none"}]}
    proxy: dict[str, object] = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "kube-proxy"},
    }
    proxy["spec"] = {"selector": {"matchLabels": labels}, "template": template}
    sets = "/apis/apps/v1/namespaces/kube-system/daemonsets"
    with clinic.made("/api/v1/nodes", node), clinic.made(sets, proxy):
        clinic.finds("T13")

        def tolerate(document):
            document["spec"]["template"]["spec"]["tolerations"] = [{"operator": "Exists"}]

        clinic.write(f"{sets}/kube-proxy", tolerate)
        clinic.passes("T13")


def test_a_missing_role_for_delegation_is_found(clinic):
    path = f"{RBAC}/clusterroles/system:auth-delegator"
    role = dict(clinic.client.get_json(path))
    clinic.client.delete(path)
    assert "system:auth-delegator" in str(clinic.finds("T14")["T14"].sentence)
    role["metadata"] = {"name": role["metadata"]["name"], "labels": role["metadata"]["labels"]}
    clinic.client.create(f"{RBAC}/clusterroles", role)
    clinic.passes("T14")


def test_somebody_else_who_can_write_apiservices_is_found(clinic):
    binding = bound("ClusterRoleBinding", "too-much", "cluster-admin")
    with clinic.made(f"{RBAC}/clusterrolebindings", binding):
        assert "ServiceAccount clinic/api" in str(clinic.finds("I04")["I04"].sentence)
    clinic.passes("I04")


# Neighbours, and who suffers.


def crd(group, version):
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    served = {"name": version, "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [served]},
    }


def test_an_apiservice_before_a_crd_is_found(clinic):
    with clinic.made(CRDS, crd("clinic.example.com", "v1")):
        assert clinic.finds("A26")["A26"].severity == Severity.CRITICAL
    clinic.passes("A26")


def test_a_priority_among_the_built_in_ones_is_found(clinic):
    with clinic.changed(APISERVICE, setting(groupPriorityMinimum=18000)):
        clinic.finds("A27")
    clinic.passes("A27")


def test_a_local_apiservice_that_nothing_serves_is_found(clinic):
    orphan = apiservice("v1.orphan.example.com", None, 443, service=None)
    subject = {"subject": "v1.orphan.example.com"}
    with clinic.made(APISERVICES_PATH, orphan):
        clinic.finds("A28", **subject)
        with clinic.made(CRDS, crd("orphan.example.com", "v1")):
            clinic.passes("A28", **subject)


def test_a_namespace_that_waits_for_an_api_group_is_found(clinic):
    namespace = "/api/v1/namespaces/clinic"
    condition = {
        "type": "NamespaceDeletionDiscoveryFailure",
        "status": "True",
        "message": "Discovery failed for some groups, 1 failing: clinic.example.com/v1",
    }

    def stuck(*conditions):
        document = dict(clinic.client.get_json(namespace))
        document["status"] = {**document["status"], "conditions": list(conditions)}
        clinic.client.replace(f"{namespace}/status", document)

    stuck(condition)
    assert "clinic.example.com/v1" in str(clinic.finds("I01")["I01"].evidence[0])
    stuck()
    clinic.passes("I01")


def test_an_autoscaler_without_metrics_is_found(clinic):
    scalers = "/apis/autoscaling/v2beta2/namespaces/clinic/horizontalpodautoscalers"
    scaler = {"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler"}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3}
    blind = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetResourceMetric",
        "message": "unable to fetch metrics from resource metrics API",
    }
    with clinic.made(scalers, {**scaler, "metadata": {"name": "web"}, "spec": spec}):
        document = dict(clinic.client.get_json(f"{scalers}/web"))
        status = {"currentReplicas": 1, "desiredReplicas": 1, "conditions": [blind]}
        clinic.client.replace(f"{scalers}/web/status", {**document, "status": status})
        assert "clinic/web" in str(clinic.finds("I02")["I02"].evidence[0])
    clinic.passes("I02")


def test_what_kube_apiserver_counts_is_told_until_it_stands_still(clinic):
    with behaving(clinic, answer=(500, "no")):
        clinic.condition("False")
        assert NAME in str(clinic.finds("I03")["I03"].sentence)
    clinic.condition("True")
    clinic.passes("I03")


# What an account may not read is not called well.


def test_an_account_that_may_read_little_is_told_so_with_the_rules(clinic):
    little = clinic.plane.client(clinic.plane.authority.client("little"))
    with granted(clinic, "little", READ_RULES):
        seen = clinic.look(little)
        rules = {code: str(each.rule) for code, each in seen.items() if each.rule}
        assert rules["I01"] == "list namespaces"
        assert rules["T01"] == "get configmaps"
        assert rules["A04"] == "get services"
        assert rules["A11"] == "list patients.clinic.example.com"
        assert rules["I03"] == "get /metrics"
        unread = {"T01", "T12", "T14", "A04", "A06", "A11", "A22", "I01", "I02", "I03", "I04"}
        assert {seen[code].verdict for code in unread} == {Verdict.UNCHECKED}
    with granted(clinic, "little", (*READ_RULES, *DOCTOR_RULES)):
        clinic.sees(Verdict.PASSED, "I01")
        seen = clinic.look(little)
        assert {seen[code].verdict for code in ("T14", "A04", "I01", "I02", "I03")} == {"passed"}
        assert {code for code, each in seen.items() if each.rule} <= {"T01", "A11"} | TRUST


TRUST = {f"T{number:02d}" for number in range(1, 12)}


@contextlib.contextmanager
def granted(clinic, user, rules):
    group = "rbac.authorization.k8s.io"
    bodies = [
        {"nonResourceURLs": [rule.path], "verbs": [rule.verb]}
        if rule.path
        else {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": [rule.verb]}
        for rule in rules
    ]
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": user}}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": user},
        "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
    }
    with (
        clinic.made(f"{RBAC}/clusterroles", {**role, "rules": bodies}),
        clinic.made(f"{RBAC}/clusterrolebindings", binding),
    ):
        yield


# A real extension API server, which looks at the proxy client certificate.


@pytest.fixture(scope="module")
def wardle(clinic):
    """It starts while trust is published: without, it would not."""
    extension = ExtensionServer(plane=clinic.plane, serving=SERVING.serving("api.wardle.svc"))
    clinic.plane.expose_on_loopback("wardle", "api")
    reference = {"namespace": "wardle", "name": "api", "port": extension.port}
    name = "v1alpha1.wardle.example.com"
    body = apiservice(name, SERVING.pem, extension.port, service=reference)
    clinic.client.create(APISERVICES_PATH, body)
    extension.start()
    return name


def test_users_arrive_as_themselves_at_a_real_extension_server(clinic, wardle):
    clinic.passes("A01", "A09", "A11", "A16", "A17", subject=wardle)


# Flags that only a restart changes.


def managing(clinic, pair, *cas):
    """Let the doctor know what is managed: this proxy client certificate, these authorities."""
    facts = read_certificates(pair.certificate_pem)[0]
    key = spki_sha256(load_private_key(pair.key_pem.encode()).public_key())
    client = ProxyClient(certificate=facts, label="ours", key_spki=key)
    known = tuple(read_certificates(ca.pem)[0] for ca in cas)
    managed = Managed(front_proxy_cas=known, proxy_clients=(client,))
    clinic.background = dataclasses.replace(clinic.background, managed=managed)


def test_trust_that_is_set_up_badly_is_found(clinic, folder):
    young = TestAuthority(common_name="front-proxy-ca")  # the same name with another key
    over = {"requestheader_allowed_names": "", "requestheader_username_headers": "X-Somebody"}
    cas, pair = [FRONT_PROXY, young, clinic.plane.authority], proxy_client()
    clinic.restart(front_proxy_flags(folder / "bad", cas, pair, **over))
    managing(clinic, pair, FRONT_PROXY)
    seen = clinic.finds("T02", "T03", "T04", "T07", "T08")
    assert seen["T02"].severity == Severity.CRITICAL
    assert "X-Remote-User" in seen["T04"].remedy.command


def test_trust_that_is_not_set_up_and_an_external_name_that_is_routed_to_are_found(clinic):
    routing = "--enable-aggregator-routing=true"
    clinic.restart(no_admission_of_accounts(routing))
    assert clinic.finds("T01", "A05")["T01"].severity == Severity.CRITICAL


OTHER = Authority(common_name="other-ca")
SERVER_ONLY = ExtendedKeyUsageOID.SERVER_AUTH
PROXY_FAULTS = {
    "another authority": ("T09", lambda _: proxy_client(OTHER)),
    "wrong CN": ("T10", lambda _: proxy_client(name="somebody")),
    "no client auth": ("T10", lambda _: proxy_client(usage=SERVER_ONLY)),
    "expired": ("T11", lambda _: proxy_client(days=(-9, -1))),
}


@pytest.mark.parametrize("fault", PROXY_FAULTS)
def test_a_proxy_client_certificate_that_is_refused_is_found(clinic, folder, wardle, fault):
    check, make = PROXY_FAULTS[fault]
    pair = make(clinic)
    # An authority that ends soon, of the same key: another fault, seen on the way.
    soon = Authority(common_name="front-proxy-ca", key=FRONT_PROXY.key, days=(-9, 20))
    clinic.restart(front_proxy_flags(folder / "refused", [soon], pair))
    managing(clinic, pair, FRONT_PROXY)
    seen = clinic.finds(check, "A01", "A09", "T06", subject=wardle)
    assert "401" in str(seen["A01"].evidence[0])
    assert seen["T06"].severity == Severity.WARNING


def test_a_proxy_client_certificate_of_the_client_ca_makes_everybody_the_same_user(
    clinic, folder, wardle
):
    pair = clinic.plane.authority.client("front-proxy-client")
    clinic.restart(front_proxy_flags(folder / "client-ca", [FRONT_PROXY], pair))
    managing(clinic, pair, FRONT_PROXY)
    seen = clinic.finds("T09", "A11", subject=wardle)
    assert seen["A01"].verdict == Verdict.PASSED
    assert "e2e-admin reach the backend as front-proxy-client" in str(seen["A11"].sentence)


def test_all_of_it_passes_when_it_is_mended(clinic, usual, wardle):
    clinic.restart(usual)
    managing(clinic, proxy_client(), FRONT_PROXY)
    clinic.passes(*(f"T{number:02d}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 11)))
    clinic.passes("A01", "A05", "A09", "A11", subject=wardle)
    clinic.passes("A01", "A05", "A09", "A11")
