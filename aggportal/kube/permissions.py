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
    """One question to the API server: may I `verb` this resource, or this path without resource?

    `namespace` where that is all that it is about, else the whole cluster; `name` where it is
    about one object.
    """

    verb: str
    group: str = ""
    resource: str = ""
    path: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{self.verb} {self.path}"
        told = f"{self.verb} {self.resource}.{self.group}".rstrip(".")
        told = f"{told} {self.name}" if self.name else told
        return f"{told} in {self.namespace}" if self.namespace else told


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
WRITE_RULES = _rules("create", "patch", "delete")
_BOTH, _LIST = ("get", "list"), ("list",)
_RBAC = "rbac.authorization.k8s.io"
# What the doctor looks at, by group: nothing of it is a secret. The one ConfigMap that it reads is
# given by the role that Kubernetes made for that (_DOCTOR_BINDING).
_READ_BY_DOCTOR = (
    ("", ("services", "namespaces", "nodes", "pods"), _BOTH),
    ("", ("endpoints",), _BOTH),  # before EndpointSlices came with 1.21
    ("discovery.k8s.io", ("endpointslices",), _BOTH),
    ("apps", ("deployments", "daemonsets"), _BOTH),
    ("policy", ("poddisruptionbudgets",), _LIST),
    ("networking.k8s.io", ("networkpolicies",), _LIST),
    ("autoscaling", ("horizontalpodautoscalers",), _LIST),
    ("apiextensions.k8s.io", ("customresourcedefinitions",), _LIST),
    (_RBAC, ("clusterroles", "clusterrolebindings", "roles", "rolebindings"), _BOTH),
)
_PATHS_OF_DOCTOR = ("/api", "/api/*", "/apis", "/apis/*", "/metrics")
DOCTOR_RULES = (
    *(
        AccessRule(verb=verb, group=group, resource=resource)
        for group, resources, verbs in _READ_BY_DOCTOR
        for resource in resources
        for verb in verbs
    ),
    *(AccessRule(verb="get", path=path) for path in _PATHS_OF_DOCTOR),
)


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
        *([_DOCTOR_COMMENT, render_rules(DOCTOR_RULES)] if doctor else []),
        _BINDING,
        *([_DOCTOR_BINDING] if doctor else []),
    ]
    return "".join(parts).replace("{name}", name).replace("{namespace}", namespace)


def render_rules(rules: Iterable[AccessRule]) -> str:
    """YAML of the entries of a ClusterRole's `rules` that allow all of `rules`, once each."""
    verbs: dict[tuple[bool, str, str], set[str]] = {}
    for rule in rules:
        about = (bool(rule.path), rule.group, rule.path or rule.resource)
        verbs.setdefault(about, set()).add(rule.verb)
    entries: dict[tuple[bool, str, tuple[str, ...]], list[str]] = {}
    for (is_path, group, name), asked in sorted(verbs.items()):
        entries.setdefault((is_path, group, tuple(sorted(asked))), []).append(name)
    return "".join(_entry(*about, names) for about, names in sorted(entries.items()))


def render_forwarding(
    namespaces: Iterable[str], *, name: str = "aggportal", namespace: str = "aggportal"
) -> str:
    """YAML that lets the account forward ports of pods, in each of `namespaces` by a Role there.

    A websocket is asked for by GET, which Kubernetes takes for `get`; from 1.35 it wants `create`
    beside that.
    """
    wanted = sorted({each for each in namespaces if _NAME.fullmatch(each)})
    account = {"{name}": name, "{namespace}": namespace}
    parts = []
    for each in wanted:
        text = _FORWARDING.replace("{there}", each)
        for place, value in account.items():
            text = text.replace(place, value)
        parts.append(text)
    return "---\n".join(parts)


def _entry(is_path: bool, group: str, verbs: tuple[str, ...], names: list[str]) -> str:
    told = json.dumps(list(verbs))
    if is_path:
        return f"- nonResourceURLs: {json.dumps(names)}\n  verbs: {told}\n"
    return (
        f"- apiGroups: {json.dumps([group])}\n  resources: {json.dumps(names)}\n  verbs: {told}\n"
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
  verbs: ["create", "patch", "delete"]
"""
_DOCTOR_COMMENT = "# What the doctor reads.\n"
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


_FORWARDING = """\
# With this the account reaches any port of any pod in {there}.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {name}-portforward
  namespace: {there}
rules:
- apiGroups: [""]
  resources: ["pods/portforward"]
  verbs: ["create", "get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {name}-portforward
  namespace: {there}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {name}-portforward
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
