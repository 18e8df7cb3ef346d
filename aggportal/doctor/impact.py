"""I01, I02: who suffers when an API group does not answer."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aggportal.doctor.commands import of_apiservice
from aggportal.doctor.evidence import Evidence, Json, Known, Unread
from aggportal.doctor.findings import Remedy, Severity
from aggportal.doctor.objects import conditions_of, name_of, namespace_of, text_at
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, cluster_check
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

NAMESPACES = "/api/v1/namespaces"
AUTOSCALERS = "/apis/autoscaling/v2/horizontalpodautoscalers"
_STUCK = ("NamespaceDeletionDiscoveryFailure",)
_BLIND = "FailedGet"
_AN_API = say(_n("an API group"))
_ALL = "kubectl get apiservice -l '!kube-aggregator.kubernetes.io/automanaged'"
_ANNOTATION = "autoscaling.alpha.kubernetes.io/conditions"
_MOST = 12
SCALED = _n(
    "HorizontalPodAutoscalers on %(group)s: %(count)d, in this many namespaces: %(namespaces)d."
)
# Which API serves the metrics of a HorizontalPodAutoscaler, by their type (autoscaling/v2).
_SOURCES = {
    "Resource": "metrics.k8s.io",
    "ContainerResource": "metrics.k8s.io",
    "Pods": "custom.metrics.k8s.io",
    "Object": "custom.metrics.k8s.io",
    "External": "external.metrics.k8s.io",
}


@cluster_check("I01", Severity.ERROR, _n("Namespaces can be deleted"), reads=[NAMESPACES])
def namespaces_can_go(evidence: Evidence) -> Outcome:
    """No namespace waits for a group that does not answer."""
    if not isinstance(evidence.namespaces, Known):
        return _unknown(evidence.namespaces)
    stuck = [
        (name_of(namespace), text_at(condition, "message"))
        for namespace in evidence.namespaces.value
        for kind, condition in conditions_of(namespace).items()
        if kind in _STUCK and condition.get("status") == "True"
    ]
    if not stuck:
        return Passed()
    many = _n(
        "%(count)d namespaces cannot finish deleting because of %(gv)s, which does not answer what "
        "it holds in them."
    )
    one = _n(
        "The namespace %(name)s cannot finish deleting because of %(gv)s, which does not answer "
        "what it holds in it."
    )
    blamed = _blamed(evidence, [message for _name, message in stuck])
    told = ", ".join(each.group_version for each in blamed[:_MOST])
    commands = [of_apiservice(each) for each in blamed[:_MOST]]
    return Found(
        sentence=say(
            many if len(stuck) > 1 else one,
            count=len(stuck),
            name=stuck[0][0],
            gv=told or str(_AN_API),
        ),
        evidence=tuple(
            say("%(name)s: %(message)s", name=name, message=message[:400])
            for name, message in stuck[:_MOST]
        ),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Mend or delete the APIService that the message names. Never strip finalizers: "
                    "what the namespace holds would be left behind."
                )
            ),
            command="\n".join(commands) or _ALL,
        ),
    )


def _blamed(evidence: Evidence, messages: Iterable[str]) -> tuple[APIService, ...]:
    """The group versions that the namespace controller names; without them those that fail."""
    words = {word.strip(" ,;:()[]") for text in messages for word in re.split(r"[\s,:]+", text)}
    named = tuple(each for each in evidence.aggregated if each.group_version in words)
    return named or tuple(e for e in evidence.aggregated if e.availability.status != "True")


@cluster_check("I02", Severity.WARNING, _n("Autoscalers can see"), reads=[AUTOSCALERS])
def autoscalers_can_see(evidence: Evidence) -> Outcome:
    """No HorizontalPodAutoscaler lacks the metrics that it scales by."""
    if not isinstance(evidence.autoscalers, Known):
        return _unknown(evidence.autoscalers)
    scaled = _scaled(evidence.autoscalers.value)
    blind = [found for each in evidence.autoscalers.value for found in _blind(each)]
    if not blind:
        return Passed(evidence=scaled)
    many = _n(
        "%(count)d HorizontalPodAutoscalers do not scale because of %(gv)s, which gives no metrics."
    )
    one = _n(
        "The HorizontalPodAutoscaler %(name)s does not scale because of %(gv)s, which gives no "
        "metrics."
    )
    lines = tuple(
        say("%(name)s: %(message)s", name=each.name, message=each.message[:400])
        for each in blind[:_MOST]
    )
    groups = {each.group for each in blind}
    served = [each for each in evidence.aggregated if each.group in groups]
    versions = {each.group: each.group_version for each in served}
    names = {each.name for each in blind}
    return Found(
        sentence=say(
            many if len(names) > 1 else one,
            count=len(names),
            name=blind[0].name,
            gv=", ".join(sorted(versions.get(group, group) for group in groups)),
        ),
        evidence=(*lines, *scaled),
        remedy=Remedy(
            sentence=say(
                _n("Mend the APIService of these metrics; where there is none, install its server.")
            ),
            command="\n".join(of_apiservice(each) for each in served) or _ALL,
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Blind:
    """An autoscaler that gets no metrics of a group."""

    name: str
    group: str
    message: str


def _scaled(autoscalers: Sequence[Json]) -> tuple[Sentence, ...]:
    """Which metrics APIs are scaled by, and in how many namespaces; the calendar reads it too."""
    namespaces: defaultdict[str, list[str]] = defaultdict(list)
    for each in autoscalers:
        for group in _groups(each):
            namespaces[group].append(namespace_of(each))
    return tuple(
        say(
            SCALED,
            group=group,
            count=len(found),
            namespaces=len(set(found)),
        )
        for group, found in sorted(namespaces.items())
    )


def _groups(autoscaler: Json) -> set[str]:
    """The API groups of the metrics that it asks for; without any it is CPU."""
    spec = autoscaler.get("spec")
    metrics = spec.get("metrics") if isinstance(spec, dict) else None
    kinds = {
        kind
        for each in (metrics if isinstance(metrics, list) else ())
        if isinstance(each, dict) and isinstance(kind := each.get("type"), str)
    }
    return {_SOURCES[kind] for kind in kinds or {"Resource"} if kind in _SOURCES}


def _blind(autoscaler: Json) -> Iterator[_Blind]:
    """Its reason (FailedGet…Metric) says which metrics it lacks."""
    name = f"{namespace_of(autoscaler)}/{name_of(autoscaler)}"
    for condition in _scaler_conditions(autoscaler):
        reason = text_at(condition, "reason")
        if condition.get("status") == "False" and reason.startswith(_BLIND):
            kind = reason.removeprefix(_BLIND).removesuffix("Metric")
            group = _SOURCES.get(kind, _SOURCES["Resource"])
            yield _Blind(name=name, group=group, message=text_at(condition, "message"))


def _scaler_conditions(autoscaler: Json) -> Iterator[Json]:
    """The conditions; in autoscaling/v1 they stand in an annotation as JSON."""
    yield from conditions_of(autoscaler).values()
    annotations = autoscaler.get("metadata", {}).get("annotations")
    text = annotations.get(_ANNOTATION) if isinstance(annotations, dict) else None
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):
        found = []
    yield from (each for each in found if isinstance(each, dict))


def _unknown(read: object) -> Outcome:
    if isinstance(read, Unread):
        return read
    return Inapplicable(sentence=say(_n("This API server has no such objects.")))
