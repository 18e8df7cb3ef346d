"""Which permissions applying and removing a set takes, and which of them are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aggportal.kube.client import ApiClient
from aggportal.kube.permissions import AccessRule, render_rules
from aggportal.kube.studio.places import Place, part

VERBS = ("get", "create", "update", "delete")
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_RBAC = "rbac.authorization.k8s.io"
_ESCALATING = (
    AccessRule(verb="bind", group=_RBAC, resource="clusterroles"),
    AccessRule(verb="bind", group=_RBAC, resource="roles"),
    AccessRule(verb="escalate", group=_RBAC, resource="clusterroles"),
)


def missing_rights(
    client: ApiClient, places: Iterable[Place], verbs: Sequence[str] = VERBS
) -> tuple[AccessRule, ...]:
    """Ask for every kind, namespace and verb (SelfSubjectAccessReview); what is not allowed."""
    asked = dict.fromkeys((place.group, place.resource, place.namespace) for place in places)
    return tuple(
        dict.fromkeys(
            AccessRule(verb=verb, group=group, resource=resource)
            for group, resource, namespace in asked
            for verb in verbs
            if not _may(client, verb, group=group, resource=resource, namespace=namespace)
        )
    )


def rights_yaml(missing: Iterable[AccessRule], *, roles_refused: bool) -> str:
    """YAML of the rules that allow what is missing. Where the API server refused to hand on rights
    that the account has not itself, `bind` and `escalate` are among them.
    """
    return render_rules((*missing, *(_ESCALATING if roles_refused else ())))


def _may(client: ApiClient, verb: str, *, group: str, resource: str, namespace: str) -> bool:
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return part(client.create(_REVIEWS, review), "status").get("allowed") is True
