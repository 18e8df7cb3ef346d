"""Leave to read a few Secrets by name, as YAML: a Role and its binding in each namespace.

RBAC cannot give a part of a Secret: whoever may read it may read the private key. So no rule here
names all Secrets.
"""

from __future__ import annotations

from collections.abc import Iterable

from aggportal.kube.manifests import dump_yaml

_GROUP = "rbac.authorization.k8s.io"


def render_secret_access(
    secrets: Iterable[tuple[str, str]], *, name: str = "aggportal", namespace: str = "aggportal"
) -> str:
    """YAML for `kubectl apply -f -` that lets the ServiceAccount `namespace`/`name` get just these
    Secrets, each (namespace, name). Empty where there are none.
    """
    by_namespace: dict[str, list[str]] = {}
    for place, secret in sorted(set(secrets)):
        by_namespace.setdefault(place, []).append(secret)
    documents = []
    for place, names in by_namespace.items():
        about = {"name": f"{name}-certificates", "namespace": place}
        rule = {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": names,
            "verbs": ["get"],
        }
        documents.append(
            {
                "apiVersion": f"{_GROUP}/v1",
                "kind": "Role",
                "metadata": about,
                "rules": [rule],
            }
        )
        documents.append(
            {
                "apiVersion": f"{_GROUP}/v1",
                "kind": "RoleBinding",
                "metadata": about,
                "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": about["name"]},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            }
        )
    return dump_yaml(*documents)
