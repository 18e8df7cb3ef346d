"""What runs and how it is reached: Deployment, Service, disruption budget, network policy."""

from __future__ import annotations

from typing import Any

from aggportal.kube.studio.described import OLDEST_MINOR, Extension
from aggportal.kube.studio.labels import metadata, selected

# policy/v1 came with 1.21, policy/v1beta1 went with 1.25.
_POLICY_V1_SINCE, _POLICY_V1BETA1_UNTIL = 21, 24
_TLS = "/tls"


def deployment(extension: Extension) -> dict[str, Any]:
    """No replica goes before another is ready, so that requests find one at all times."""
    labels = {"app.kubernetes.io/name": extension.name, **selected(extension)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(extension),
        "spec": {
            "replicas": extension.replicas,
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": selected(extension)},
            "template": {"metadata": {"labels": labels}, "spec": _pod(extension)},
        },
    }


def _pod(extension: Extension) -> dict[str, Any]:
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selected(extension)},
    }
    return {
        "serviceAccountName": extension.name,
        "priorityClassName": "system-cluster-critical",
        "topologySpreadConstraints": [spread],
        "containers": [_container(extension)],
        "volumes": [{"name": "tls", "secret": {"secretName": extension.secret}}],
    }


def _container(extension: Extension) -> dict[str, Any]:
    return {
        "name": "apiserver",
        "image": extension.image,
        "args": [
            f"--secure-port={extension.port}",
            f"--tls-cert-file={_TLS}/tls.crt",
            f"--tls-private-key-file={_TLS}/tls.key",
            "--audit-log-path=-",
        ],
        "ports": [{"name": "https", "containerPort": extension.port}],
        "readinessProbe": _probe("/readyz"),
        "livenessProbe": _probe("/livez"),
        "securityContext": {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "tls", "mountPath": _TLS, "readOnly": True}],
    }


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "https", "scheme": "HTTPS"}}


def service(extension: Extension) -> dict[str, Any]:
    """The APIService points here; port 443 whatever the container listens on."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(extension),
        "spec": {
            "selector": selected(extension),
            "ports": [{"name": "https", "port": 443, "targetPort": "https"}],
        },
    }


def disruption_budget(extension: Extension) -> dict[str, Any]:
    """A drain never takes the last replica away."""
    version = "policy/v1" if extension.minor >= _POLICY_V1_SINCE else "policy/v1beta1"
    return {
        "apiVersion": version,
        "kind": "PodDisruptionBudget",
        "metadata": metadata(extension),
        "spec": {"minAvailable": 1, "selector": {"matchLabels": selected(extension)}},
    }


def disruption_budget_served(extension: Extension) -> tuple[int, int | None]:
    """Return the first and the last 1.minor that serve the chosen version; None is open."""
    if extension.minor >= _POLICY_V1_SINCE:
        return _POLICY_V1_SINCE, None
    return OLDEST_MINOR, _POLICY_V1BETA1_UNTIL


def network_policy(extension: Extension) -> dict[str, Any]:
    """Who may connect: `sources`, or anybody; kube-apiserver is seldom a pod to be selected."""
    rule: dict[str, Any] = {"ports": [{"port": extension.port, "protocol": "TCP"}]}
    if extension.sources:
        rule["from"] = [{"ipBlock": {"cidr": source}} for source in extension.sources]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(extension, name=f"{extension.name}-from-apiserver"),
        "spec": {
            "podSelector": {"matchLabels": selected(extension)},
            "policyTypes": ["Ingress"],
            "ingress": [rule],
        },
    }
