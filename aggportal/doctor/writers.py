"""I03, I04: what kube-apiserver counts, and who could put another backend behind an API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aggportal.doctor.evidence import Absent, Evidence, Unread
from aggportal.doctor.findings import Remedy, Severity
from aggportal.doctor.rbac import (
    CLUSTER_BINDINGS,
    CLUSTER_ROLES,
    Binding,
    Subject,
    Want,
    rights_of,
)
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, Unchecked, cluster_check
from aggportal.doctor.told import say
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

METRICS = "/metrics"
COUNTERS = (
    "apiserver_kube_aggregator_x509_missing_san_total",
    "apiserver_kube_aggregator_x509_insecure_sha1_total",
)
UNAVAILABLE = "aggregator_unavailable_apiservice"
# Whoever deletes one can put another in its place, or none.
_WRITE = tuple(
    Want(verb=verb, group="apiregistration.k8s.io", resource="apiservices")
    for verb in ("create", "update", "patch", "delete", "deletecollection")
)
_EXPECTED = {
    ("Group", "system:masters"),
    ("Group", "kubeadm:cluster-admins"),
    ("User", "system:kube-controller-manager"),
    ("User", "system:apiserver"),
}
_MOST = 20


@cluster_check(
    "I03", Severity.INFO, _n("kube-apiserver counts no bad certificates"), reads=[METRICS]
)
def counters_stand_still(evidence: Evidence) -> Outcome:
    """Certificates without names or with SHA-1 were met, or APIServices are unavailable."""
    if isinstance(evidence.metrics, Unread):
        return evidence.metrics
    if isinstance(evidence.metrics, Absent):
        return Inapplicable(sentence=say(_n("This API server shows no metrics.")))
    values, earlier = evidence.metrics.value, evidence.earlier_metrics or {}
    if not values:
        return Unchecked(sentence=say(_n("The metrics hold none of the aggregator's counters.")))
    # A smaller figure than before means that kube-apiserver was restarted.
    risen = {
        name: value
        for name, value in values.items()
        if value > (before if (before := earlier.get(name, 0.0)) <= value else 0.0)
    }
    if not risen:
        return Passed(evidence=tuple(_counted(values)))
    rose = _n("%(names)s rose since the last look.")
    text = rose if evidence.earlier_metrics else _n("%(names)s: not 0 since kube-apiserver began.")
    return Found(
        sentence=say(text, names=", ".join(sorted(risen))[:600]),
        evidence=tuple(_counted(risen)),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Look which backend's certificate has no DNS name or is signed with SHA-1; "
                    "newer kube-apiservers refuse both."
                )
            ),
            command="kubectl get --raw /metrics | grep -e kube_aggregator -e aggregator_unavail",
        ),
    )


def _counted(values: Mapping[str, float]) -> Iterator[Sentence]:
    for name, value in sorted(values.items())[:_MOST]:
        yield say("%(name)s %(value)d", name=name, value=round(value))


@cluster_check(
    "I04",
    Severity.WARNING,
    _n("Few can redirect an API"),
    reads=[CLUSTER_ROLES, CLUSTER_BINDINGS],
)
def few_can_write_apiservices(evidence: Evidence) -> Outcome:
    """Nobody but the cluster's own and this portal may write APIServices: it equals cluster-admin
    (CVE-2022-3172 calls it privileged).
    """
    rights = rights_of(evidence)
    if isinstance(rights, Unread):
        return rights
    ours = evidence.identity.username if evidence.identity else ""
    found = [
        (subject, binding)
        for binding in rights.cluster
        if binding.grants_any(_WRITE)
        for subject in binding.subjects
        if not _is_expected(subject, binding, ours)
    ]
    if not found:
        return Passed()
    names = list(dict.fromkeys(str(subject) for subject, _binding in found))
    return Found(
        sentence=say(
            _n(
                "%(subjects)s can write APIServices, and so put another backend behind any API "
                "group."
            ),
            subjects=", ".join(names[:_MOST]),
        ),
        evidence=tuple(_told(subject, binding) for subject, binding in found[:_MOST]),
        remedy=Remedy(
            sentence=say(
                _n("Take the right away where nobody needs it; mute this for those who do.")
            ),
            command="kubectl get clusterrolebinding --output wide",
        ),
    )


def _told(subject: Subject, binding: Binding) -> Sentence:
    """Who, by what; and which APIServices where its rules name some."""
    names = binding.names_of(_WRITE)
    whole = _n("%(subject)s by ClusterRole %(role)s (ClusterRoleBinding %(binding)s)")
    some = _n(
        "%(subject)s by ClusterRole %(role)s (ClusterRoleBinding %(binding)s), only %(names)s"
    )
    return say(
        some if names else whole,
        subject=str(subject),
        role=binding.role,
        binding=binding.name,
        names=", ".join(names[:_MOST]),
    )


def _is_expected(subject: Subject, binding: Binding, ours: str) -> bool:
    if (subject.kind, subject.name) in _EXPECTED:
        return True
    if subject.kind == "ServiceAccount":
        if f"system:serviceaccount:{subject.namespace}:{subject.name}" == ours:
            return True
        return subject.namespace == "kube-system" and binding.role.startswith("system:controller:")
    return subject.kind == "User" and subject.name == ours
