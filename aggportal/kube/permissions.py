"""What the portal needs to be allowed in a cluster: as rules, as YAML, and what is missing.

Reading needs the APIServices and nothing else. Writing APIServices equals cluster-admin, since it
can put another backend behind any API group, so it is a role of its own, given on purpose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from aggportal.kube.errors import InvalidInput
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRule:
    """One question to the API server: may I `verb` this resource, or this path without resource?"""

    verb: str
    group: str = ""
    resource: str = ""
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{self.verb} {self.path}"
        return (
            f"{self.verb} {self.resource}.{self.group}"
            if self.group
            else f"{self.verb} {self.resource}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The answer to one rule (SelfSubjectAccessReview); `reason` is the authorizer's own text."""

    rule: AccessRule
    allowed: bool
    reason: str = ""


def _rules(*verbs: str) -> tuple[AccessRule, ...]:
    return tuple(
        AccessRule(verb=verb, group="apiregistration.k8s.io", resource="apiservices")
        for verb in verbs
    )


READ_RULES = (*_rules("get", "list", "watch"), AccessRule(verb="get", path="/version"))
WRITE_RULES = _rules("create", "delete")


def missing_rules(answers: Iterable[Access]) -> tuple[Sentence, ...]:
    """A sentence per rule that is not allowed."""
    return tuple(
        Sentence(text=_n("This account may not %(rule)s."), params={"rule": str(answer.rule)})
        for answer in answers
        if not answer.allowed
    )


def render_access(
    *,
    name: str = "aggportal",
    namespace: str = "aggportal",
    write: bool = False,
    doctor: bool = False,
) -> str:
    """YAML for `kubectl apply -f -`: namespace, ServiceAccount, ClusterRole and its binding.

    `doctor` adds what the doctor reads, nothing of which is a secret.
    """
    for field, value in (("name", name), ("namespace", namespace)):
        if not _NAME.fullmatch(value):
            raise InvalidInput(
                _n("This must be one word of lower-case letters, digits and hyphens."), field=field
            )
    parts = [
        _ACCOUNT,
        _ROLE,
        *([_WRITE_RULE] if write else []),
        *([_DOCTOR_RULES] if doctor else []),
        _BINDING,
        *([_DOCTOR_BINDING] if doctor else []),
    ]
    return "".join(parts).replace("{name}", name).replace("{namespace}", namespace)


def render_rules(rules: Iterable[AccessRule]) -> str:
    """YAML of the entries of a ClusterRole's `rules` that allow all of `rules`, once each."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for rule in rules:
        verbs.setdefault((rule.path, rule.group, rule.resource), set()).add(rule.verb)
    return "".join(_entry(*about, sorted(asked)) for about, asked in sorted(verbs.items()))


def _entry(path: str, group: str, resource: str, verbs: list[str]) -> str:
    told = json.dumps(verbs)
    if path:
        return f"- nonResourceURLs: {json.dumps([path])}\n  verbs: {told}\n"
    return (
        f"- apiGroups: {json.dumps([group])}\n"
        f"  resources: {json.dumps([resource])}\n"
        f"  verbs: {told}\n"
    )


_ACCOUNT = """\
apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {namespace}
---
"""
_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {name}
rules:
- apiGroups: ["apiregistration.k8s.io"]
  resources: ["apiservices"]
  verbs: ["get", "list", "watch"]
- nonResourceURLs: ["/version"]
  verbs: ["get"]
"""
_WRITE_RULE = """\
# Whoever may write APIServices can put another backend behind any API group.
- apiGroups: ["apiregistration.k8s.io"]
  resources: ["apiservices"]
  verbs: ["create", "delete"]
"""
# What the checks look at; the one ConfigMap is in _DOCTOR_BINDING.
_DOCTOR_RULES = """\
# What the doctor reads.
- apiGroups: [""]
  resources: ["services", "endpoints", "namespaces", "nodes", "pods"]
  verbs: ["get", "list"]
- apiGroups: ["discovery.k8s.io"]
  resources: ["endpointslices"]
  verbs: ["get", "list"]
- apiGroups: ["apps"]
  resources: ["deployments", "daemonsets"]
  verbs: ["get", "list"]
- apiGroups: ["policy"]
  resources: ["poddisruptionbudgets"]
  verbs: ["list"]
- apiGroups: ["networking.k8s.io"]
  resources: ["networkpolicies"]
  verbs: ["list"]
- apiGroups: ["autoscaling"]
  resources: ["horizontalpodautoscalers"]
  verbs: ["list"]
- apiGroups: ["apiextensions.k8s.io"]
  resources: ["customresourcedefinitions"]
  verbs: ["list"]
- apiGroups: ["rbac.authorization.k8s.io"]
  resources: ["clusterroles", "clusterrolebindings", "roles", "rolebindings"]
  verbs: ["get", "list"]
- nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/metrics"]
  verbs: ["get"]
"""
_DOCTOR_BINDING = """\
---
# The ConfigMap that says whom extension API servers trust.
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {name}-authentication-reader
  namespace: kube-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: extension-apiserver-authentication-reader
subjects:
- kind: ServiceAccount
  name: {name}
  namespace: {namespace}
"""
_BINDING = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {name}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {name}
subjects:
- kind: ServiceAccount
  name: {name}
  namespace: {namespace}
"""


def token_commands(*, name: str = "aggportal", namespace: str = "aggportal") -> tuple[str, ...]:
    """Shell commands that print the values for the form: token (1.24 and later), server, CA."""
    return (
        f"kubectl create token {name} --namespace {namespace} --duration 8760h",
        "kubectl config view --minify --output jsonpath='{.clusters[0].cluster.server}'",
        "kubectl get configmap kube-root-ca.crt --namespace kube-system "
        "--output jsonpath='{.data.ca\\.crt}'",
    )
