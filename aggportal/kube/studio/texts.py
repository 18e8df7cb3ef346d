"""The set as one YAML text: to be taken away, and to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from aggportal.kube.manifests import dump_yaml
from aggportal.kube.studio.manifests import Manifest

_LEFT_OUT = "# data: tls.crt, tls.key and ca.crt come in when the certificate is issued\n"


def set_yaml(found: Sequence[Manifest]) -> str:
    """Return all objects, one document each."""
    return dump_yaml(*(manifest.document for manifest in found))


def shown_yaml(manifest: Manifest) -> str:
    """Return one object as a page shows it: a Secret never with its data, and it says so."""
    if not manifest.is_secret:
        return dump_yaml(manifest.document)
    bare = {key: value for key, value in manifest.document.items() if key != "data"}
    return dump_yaml(bare) + _LEFT_OUT
