"""The set as a base for kustomize: one file per object, and what lists them in order."""

from __future__ import annotations

from collections.abc import Sequence

from aggportal.kube.manifests import dump_yaml
from aggportal.kube.studio.described import Extension
from aggportal.kube.studio.manifests import Manifest
from aggportal.kube.studio.packing import FILE_MODE, SECRET_MODE, StudioFile


def base_files(extension: Extension, found: Sequence[Manifest]) -> tuple[StudioFile, ...]:
    """Return NAME/kustomization.yaml and a numbered file for each object.

    Neither namespace nor name prefix may be changed by an overlay without another certificate;
    image and replicas may, and have their entries here.
    """
    folder = extension.name
    names = [f"{number:02d}-{each.key}.yaml" for number, each in enumerate(found, start=1)]
    files = [
        StudioFile(
            path=f"{folder}/{name}",
            body=dump_yaml(each.document),
            mode=SECRET_MODE if each.is_secret else FILE_MODE,
        )
        for name, each in zip(names, found, strict=True)
    ]
    listing = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": names,
        "replicas": [{"name": extension.name, "count": extension.replicas}],
    }
    listed = StudioFile(path=f"{folder}/kustomization.yaml", body=dump_yaml(listing))
    return (listed, *files)
