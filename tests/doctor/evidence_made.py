"""Evidence of a cluster that is well, made of real certificates; cases change one thing of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aggportal.doctor.evidence import (
    Discovery,
    Evidence,
    Injected,
    Known,
    Listed,
    Managed,
    Probed,
    ProxyClient,
    ServiceEvidence,
    Unread,
)
from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.client import Identity
from aggportal.kube.permissions import AccessRule
from aggportal.words import Sentence
from tests.pki.certificates_made import NOW, authority, proxy_client, serving

NAME = "v1.clinic.example.com"
KEY = ("clinic", "api")
RULE = AccessRule(verb="get", resource="things")
UNREAD = Unread(path="/x", why=Sentence(text="No."), rule=RULE)
FRONT_PROXY, CLIENT_CA = authority("front-proxy-ca"), authority("kubernetes-ca")
SERVING, PROXY = authority("serving-ca"), proxy_client(FRONT_PROXY)
OWN = serving(SERVING, service="api", namespace="clinic")
Change = Callable[[Evidence], Evidence]

TRUST = {
    "client-ca-file": CLIENT_CA.facts.pem,
    "requestheader-client-ca-file": FRONT_PROXY.facts.pem,
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
}
SEVEN = [
    "kube-apiserver",
    "--requestheader-client-ca-file=/ca.crt",
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--proxy-client-cert-file=/c.crt",
    "--proxy-client-key-file=/c.key",
]
DISCOVERED = {
    "kind": "APIResourceList",
    "groupVersion": "clinic.example.com/v1",
    "resources": [{"name": "patients", "verbs": ["list"]}],
}


def known(value: Any) -> Known[Any]:
    return Known(value=value, path="/x")


def encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def raw(**spec: Any) -> dict[str, Any]:
    """The APIService, available, in front of clinic/api."""
    condition = {"type": "Available", "status": "True", "reason": "Passed", "message": "ok"}
    return {
        "metadata": {"name": NAME, "uid": "1", "resourceVersion": "1"},
        "spec": {
            "group": "clinic.example.com",
            "version": "v1",
            "service": {"namespace": "clinic", "name": "api", "port": 443},
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "caBundle": encoded(SERVING.facts.pem),
            **spec,
        },
        "status": {"conditions": [condition]},
    }


def server(name: str, command: list[str]) -> dict[str, Any]:
    container = {"name": "kube-apiserver", "command": command}
    return {"metadata": {"name": name}, "spec": {"nodeName": name, "containers": [container]}}


def slices(*addresses: tuple[str, str], port: str = "https") -> tuple[dict[str, Any], ...]:
    endpoints = [{"addresses": [ip], "nodeName": node} for ip, node in addresses]
    return ({"ports": [{"name": port, "port": 8443}], "endpoints": endpoints},)


def pod(*, ready: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"name": "api-1", "labels": {"app": "api"}},
        "spec": {"serviceAccountName": "api", "containers": []},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def budget(allowed: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": "api"},
        "spec": {"selector": {"matchLabels": {"app": "api"}}, "minAvailable": 1},
        "status": {"disruptionsAllowed": allowed},
    }


def role(name: str, *rules: tuple[str, str, list[str]]) -> dict[str, Any]:
    made = [{"apiGroups": [g], "resources": [r], "verbs": verbs} for g, r, verbs in rules]
    return {"metadata": {"name": name}, "rules": made}


def binding(name: str, kind: str, *subjects: dict[str, str]) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "roleRef": {"kind": kind, "name": name},
        "subjects": list(subjects),
    }


ACCOUNT = {"kind": "ServiceAccount", "name": "api", "namespace": "clinic"}
MASTERS = {"kind": "Group", "name": "system:masters"}
FLOWS = "flowcontrol.apiserver.k8s.io"
ROLES = (
    role("cluster-admin", ("*", "*", ["*"])),
    role(
        "system:auth-delegator",
        ("authentication.k8s.io", "tokenreviews", ["create"]),
        ("authorization.k8s.io", "subjectaccessreviews", ["create"]),
    ),
    role("flows", (FLOWS, "flowschemas", ["list"]), (FLOWS, "prioritylevelconfigurations", ["*"])),
)
READER = "extension-apiserver-authentication-reader"
BINDINGS = (
    binding("cluster-admin", "ClusterRole", MASTERS),
    binding("system:auth-delegator", "ClusterRole", ACCOUNT),
    binding("flows", "ClusterRole", ACCOUNT),
)
SERVICE = {
    "spec": {
        "clusterIP": "10.96.0.9",
        "selector": {"app": "api"},
        "ports": [{"name": "https", "port": 443, "targetPort": 8443}],
    }
}


def behind(**rest: Any) -> ServiceEvidence:
    usual = {
        "service": known(SERVICE),
        "endpoints": known(slices(("10.0.0.1", "a"), ("10.0.0.2", "b"))),
        "pods": known((pod(),)),
    }
    return ServiceEvidence(**{**usual, **rest})


def discovery(status: int | None = 200, body: str | None = None, **rest: Any) -> Discovery:
    text = json.dumps(DISCOVERED) if body is None else body
    found = json.loads(text) if status == 200 and text.startswith("{") else None
    usual = {"path": "/apis/clinic.example.com/v1", "milliseconds": 20, "document": found}
    return Discovery(status=status, body=text, **{**usual, **rest})


def client(made: Any, *, above: tuple[Any, ...] = (), key: Any = None) -> ProxyClient:
    """A proxy client certificate of ours, with its own key or another one."""
    return ProxyClient(
        certificate=made.facts,
        label="ours",
        above=tuple(each.facts for each in above),
        key_spki=(key or made).facts.spki_sha256,
    )


def healthy() -> Evidence:
    """A cluster of 1.34 with nothing to find."""
    return Evidence(
        now=NOW,
        minor=34,
        identity=Identity(username="ada"),
        trust=known({"data": TRUST}),
        apiservices=(parse_apiservice(raw()),),
        services={KEY: behind()},
        discoveries={NAME: discovery()},
        lists={NAME: Listed(path="/x", status=200)},
        namespaces=known(()),
        autoscalers=known(()),
        crds=known(()),
        server_pods=known((server("a", SEVEN), server("b", SEVEN))),
        delegator=known({}),
        auth_reader=known({}),
        cluster_bindings=known(BINDINGS),
        reader_bindings=known((binding(READER, "Role", ACCOUNT),)),
        freshness=known({"clinic.example.com/v1": "Current"}),
        git_version="v1.34.0-gke.1",
        cluster_roles=known(ROLES),
        system_roles=known((role(READER, ("", "configmaps", ["get"])),)),
        policies={"clinic": known(())},
        budgets={"clinic": known((budget(),))},
        metrics=known({"apiserver_kube_aggregator_x509_missing_san_total": 0.0}),
        probes={NAME: Probed(address="10.0.0.1:8443", chain=(OWN.facts,))},
        injected={NAME: Injected(source="clinic/tls", ca_pem=known(SERVING.facts.pem))},
        managed=Managed(
            front_proxy_cas=(FRONT_PROXY.facts,),
            proxy_clients=(client(PROXY),),
        ),
    )


# Changes of it


def having(**fields: Any) -> Change:
    return lambda evidence: replace(evidence, **fields)


def trusting(**data: Any) -> Change:
    """Other entries of the ConfigMap; None takes one away."""
    changed = {**TRUST, **{name.replace("_", "-"): value for name, value in data.items()}}
    kept = {name: value for name, value in changed.items() if value is not None}
    return having(trust=known({"data": kept}))


def registered(condition: dict[str, str] | None = None, **spec: Any) -> Change:
    """Another spec, or another condition."""
    document = raw(**spec)
    if condition is not None:
        document["status"]["conditions"] = [{"type": "Available", **condition}] if condition else []
    return having(apiservices=(parse_apiservice(document),))


def standing(**rest: Any) -> Change:
    return having(services={KEY: behind(**rest)})


def serviced(**spec: Any) -> Change:
    return standing(service=known({"spec": {**SERVICE["spec"], **spec}}))


def answering(*args: Any, **rest: Any) -> Change:
    return having(discoveries={NAME: discovery(*args, **rest)})


def listing(status: int | None, user: str = "", *, may_ask: bool | None = None) -> Change:
    message = f'patients is forbidden: User "{user}" cannot list resource'
    body = json.dumps({"kind": "Status", "message": message}) if user else ""
    return having(
        lists={NAME: Listed(path="/x", status=status, body=body, may_ask=may_ask, rule=RULE)}
    )


def serving_with(*chain: Any) -> Change:
    return having(
        probes={NAME: Probed(address="10.0.0.1:8443", chain=tuple(made.facts for made in chain))}
    )


def both(*changes: Change) -> Change:
    def change(evidence: Evidence) -> Evidence:
        for each in changes:
            evidence = each(evidence)
        return evidence

    return change
