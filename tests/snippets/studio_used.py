"""The studio as a person uses it: what is filled in, and what comes back."""

from __future__ import annotations

import base64
import io
import tarfile

import yaml

FILLED = {
    "name": "wardle",
    "namespace": "wardle-system",
    "group": "wardle.example.com",
    "version": "v1alpha1",
    "image": "registry.example.com/team/wardle:1.2.3",
    "authority": "serving-ca",
    "profile": "extension-serving",
    "minor": "30",
    "replicas": "2",
    "port": "8443",
    "cluster_domain": "cluster.local",
    "group_priority_minimum": "1000",
    "version_priority": "15",
    "shown_authority": "serving-ca",
    "once": "a-page",
}
NEW, PREVIEW, TAKE = (f"/extension/new/{rest}" for rest in ("", "preview/", "take/"))


def objects(answer) -> dict[str, dict]:
    """The objects of a set that came as YAML, by kind (of several of a kind, the last)."""
    return {each["kind"]: each for each in yaml.safe_load_all(answer.content)}


def serving_pem(answer) -> bytes:
    """The serving certificate in a set that came as YAML."""
    return base64.b64decode(objects(answer)["Secret"]["data"]["tls.crt"])


def members(answer) -> dict[str, str]:
    """The files of a set that came as an archive."""
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as tar:
        packed = {entry.name: tar.extractfile(entry) for entry in tar}
        return {name: file.read().decode() for name, file in packed.items() if file}
