"""Secrets of type kubernetes.io/tls: where they are, how they are written, who may write them.

A key is given as PEM and goes out in the request, and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aggportal.kube.client import ApiClient
from aggportal.kube.errors import NotFound
from aggportal.kube.manifests import dump_yaml

Json = Mapping[str, Any]

CERTIFICATE, KEY, ISSUER = "tls.crt", "tls.key", "ca.crt"
TLS_TYPE = "kubernetes.io/tls"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "aggportal"
# cert-manager writes this Secret, and would write it again.
FROM_CERT_MANAGER = "cert-manager.io/certificate-name"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class SecretPlace:
    """A Secret's namespace and name, both checked by whoever made it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def collection(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets"

    @property
    def path(self) -> str:
        return f"{self.collection}/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsData:
    """What goes into the Secret: certificate with intermediates, what is trusted above, the key."""

    certificate_pem: str
    issuer_pem: str
    key_pem: str = field(default="", repr=False)


def read_secret(client: ApiClient, place: SecretPlace) -> Json | None:
    """The Secret as it is, None where there is none. It holds a private key: drop it soon."""
    try:
        return client.get_json(place.path)
    except NotFound:
        return None


def put_secret(
    client: ApiClient, place: SecretPlace, data: TlsData, *, present: Json | None, dry_run: bool
) -> Json:
    """Create it, or merge into the one that is `present`; Conflict when that changed since.

    Other labels, annotations and data of it stay, and so does its type, which cannot change.
    """
    values = {CERTIFICATE: data.certificate_pem, KEY: data.key_pem, ISSUER: data.issuer_pem}
    encoded = {name: base64.b64encode(v.encode()).decode("ascii") for name, v in values.items()}
    labels = {MANAGED_BY: MANAGER}
    if present is None:
        metadata = {"name": place.name, "namespace": place.namespace, "labels": labels}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "type": TLS_TYPE}
        body |= {"metadata": metadata, "data": encoded}
        return client.create(place.collection, body, dry_run=dry_run)
    uid, version = identity_of(present)
    metadata = {"uid": uid, "resourceVersion": version, "labels": labels}
    return client.patch(place.path, {"metadata": metadata, "data": encoded}, dry_run=dry_run)


def identity_of(present: Json) -> tuple[str, str]:
    """`metadata.uid` and `metadata.resourceVersion`."""
    metadata = present.get("metadata")
    found: Json = metadata if isinstance(metadata, Mapping) else {}
    return str(found.get("uid") or ""), str(found.get("resourceVersion") or "")


def data_of(present: Json | None) -> dict[str, bytes]:
    """The decoded data by name; what is no base64 is left out."""
    data = present.get("data") if present else None
    found = {}
    for name, value in data.items() if isinstance(data, Mapping) else ():
        try:
            found[str(name)] = base64.b64decode(str(value), validate=True)
        except (ValueError, binascii.Error):
            continue
    return found


def render_secret_access(
    places: Iterable[SecretPlace], *, name: str = "aggportal", namespace: str = "aggportal"
) -> str:
    """YAML of a Role and its binding in each namespace that lets the portal write these Secrets.

    `create` cannot be limited by name: at that moment there is no object with it.
    """
    names: dict[str, list[str]] = {}
    for place in sorted(set(places)):
        names.setdefault(place.namespace, []).append(place.name)
    documents = [each for space in names for each in _access(space, names[space], name, namespace)]
    return dump_yaml(*documents)


def _access(space: str, names: list[str], account: str, home: str) -> Iterable[dict[str, Any]]:
    metadata = {"name": f"{account}-serving-secrets", "namespace": space}
    about = {"apiGroups": [""], "resources": ["secrets"]}
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": [
            about | {"resourceNames": names, "verbs": ["get", "patch"]},
            about | {"verbs": ["create"]},
        ],
    }
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Role",
            "name": metadata["name"],
        },
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": home}],
    }
