"""A08: whether a node may be drained, or fail, while the API goes on."""

from __future__ import annotations

from aggportal.doctor.availability import ENDPOINTS, behind_of, endpoints_told, ready_behind
from aggportal.doctor.commands import kubectl, of_service
from aggportal.doctor.evidence import Absent, Evidence, Json, Known, Unread
from aggportal.doctor.findings import Remedy, Severity
from aggportal.doctor.mending import service_of
from aggportal.doctor.objects import (
    Endpoint,
    labels_of,
    mapping_at,
    name_of,
    number_at,
    value_at,
)
from aggportal.doctor.policies import selects
from aggportal.doctor.registry import Found, Outcome, Passed, Unchecked, service_check
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_ENOUGH = 2
_ALLOW_ONE = '{"spec":{"minAvailable":null,"maxUnavailable":1}}'
BUDGETS = "/apis/policy/v1/namespaces/<namespace>/poddisruptionbudgets"


@service_check("A08", Severity.WARNING, _n("A node may fail"), reads=[ENDPOINTS, BUDGETS])
def survives_a_node(evidence: Evidence, each: APIService) -> Outcome:
    """At least two ready backends on two nodes, of which a budget lets one go and keeps one:
    discovery of the whole cluster hangs on it.
    """
    _reference, behind = behind_of(evidence, each)
    ready = ready_behind(behind)
    if not isinstance(ready, tuple):
        return ready
    if not ready:
        return Unchecked(sentence=say(_n("No pod behind the Service is ready.")))
    sentence = _lonely(ready)
    if sentence is not None:
        remedy = _spread(evidence, each)
        return Found(sentence=sentence, evidence=endpoints_told(ready), remedy=remedy)
    outcome = _budgeted(evidence, each, ready)
    if isinstance(outcome, Passed) and len({one.node for one in ready if one.node}) < _ENOUGH:
        why = _n("On which nodes the pods run is not known, so they may share one.")
        return Unchecked(sentence=say(why))
    return outcome


def _spread(evidence: Evidence, each: APIService) -> Remedy:
    """Two replicas, and a budget: the command makes the budget for what the Service selects."""
    reference, _behind = behind_of(evidence, each)
    selector = mapping_at(service_of(evidence, each), "spec", "selector")
    labels = ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
    budget = kubectl(
        *("--namespace", reference.namespace, "create", "poddisruptionbudget", reference.name),
        *("--selector", labels, "--max-unavailable", "1"),
    )
    return Remedy(
        sentence=say(
            _n("Run two replicas on two nodes, with a PodDisruptionBudget that keeps one.")
        ),
        command=budget if labels else of_service(each),
    )


def _lonely(ready: tuple[Endpoint, ...]) -> Sentence | None:
    """What is wrong with where the pods run."""
    addresses, nodes = {one.address for one in ready}, {one.node for one in ready if one.node}
    if len(addresses) == 1:
        return say(
            _n("A single pod serves it: while its node is drained, discovery fails for everybody.")
        )
    if len(nodes) == 1 and all(one.node for one in ready):
        return say(_n("All its pods run on one node: while that is drained, discovery fails."))
    return None


def _budgeted(evidence: Evidence, each: APIService, ready: tuple[Endpoint, ...]) -> Outcome:
    """Whether one of the pods may be evicted, and not all of them at once."""
    reference, behind = behind_of(evidence, each)
    read = evidence.budgets.get(reference.namespace, Absent(path=BUDGETS))
    for needed in (behind.pods, read):
        if isinstance(needed, Unread):
            return needed
    pods = behind.pods.value if isinstance(behind.pods, Known) else ()
    if not pods:  # endpoints that somebody wrote by hand: nobody evicts them
        return Passed(evidence=endpoints_told(ready))
    budgets = _covering(read.value if isinstance(read, Known) else (), pods)
    if not budgets:
        return Found(
            sentence=say(
                _n(
                    "No PodDisruptionBudget keeps one of its pods: drains may evict all of them at "
                    "once."
                )
            ),
            evidence=endpoints_told(ready),
            remedy=_spread(evidence, each),
        )
    stuck = [one for one in budgets if number_at(one, "status", "disruptionsAllowed") == 0]
    names = ", ".join(name_of(one) for one in stuck or budgets)
    if not stuck:
        return Passed(evidence=(*endpoints_told(ready), say("%(names)s", names=names)))
    return Found(
        sentence=say(
            _n("The PodDisruptionBudget %(names)s lets no pod go: drains of their nodes hang."),
            names=names,
        ),
        evidence=endpoints_told(ready),
        remedy=Remedy(
            sentence=say(_n("Let the budget allow one disruption (maxUnavailable: 1).")),
            command=kubectl(
                *("--namespace", reference.namespace, "patch", "poddisruptionbudget"),
                *(name_of(stuck[0]), "--type", "merge", "--patch", _ALLOW_ONE),
            ),
        ),
    )


def _covering(budgets: tuple[Json, ...], pods: tuple[Json, ...]) -> list[Json]:
    """The budgets that count one of `pods`; one without a selector counts none."""
    return [
        each
        for each in budgets
        if value_at(each, "spec", "selector") is not None
        and any(selects(value_at(each, "spec", "selector"), labels_of(pod)) for pod in pods)
    ]
