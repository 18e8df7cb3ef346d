"""The set as the skeleton of a Helm chart.

What a release may change is a value: image, replicas, the container's resources, the certificate
and the caBundle. The rest is written out. The private key lies beside the chart, not in it, so that
the chart can be kept and pushed anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from aggportal.kube.manifests import dump_yaml
from aggportal.kube.studio.described import OLDEST_MINOR, Extension
from aggportal.kube.studio.flows import flow_schema_served
from aggportal.kube.studio.manifests import Manifest, ServingPair
from aggportal.kube.studio.packing import SECRET_MODE, StudioFile
from aggportal.kube.studio.workloads import disruption_budget_served

TLS_VALUES = "values-tls.yaml"
# Words that stand for a template while an object is written as YAML. Upper case: no name of a
# Kubernetes object, which everything else in a template is, can hold one.
_MARK = re.compile(r'"?STUDIO-VALUE-([A-Z]+)"?')
_ASK = f"take it from {TLS_VALUES}"
_TEMPLATES = {
    "IMAGE": "{{ .Values.image | quote }}",
    "REPLICAS": "{{ .Values.replicas | int }}",
    "RESOURCES": "{{ .Values.resources | toJson }}",
    "CERTIFICATE": f'{{{{ required "tls.crt: {_ASK}" .Values.tls.crt | b64enc | quote }}}}',
    "KEY": f'{{{{ required "tls.key: {_ASK}" .Values.tls.key | b64enc | quote }}}}',
    "ROOT": f'{{{{ required "tls.ca: {_ASK}" .Values.tls.ca | b64enc | quote }}}}',
    "BUNDLE": "{{ .Values.caBundle | b64enc | quote }}",
}


def chart_files(
    extension: Extension, found: Sequence[Manifest], *, ca_pem: str, pair: ServingPair
) -> tuple[StudioFile, ...]:
    """Return NAME/ with Chart.yaml, values.yaml and templates/, and values-tls.yaml beside it.

    The Namespace is Helm's (`--create-namespace`).
    """
    folder = extension.name
    kept = [each for each in found if each.key != "namespace"]
    return (
        StudioFile(path=f"{folder}/Chart.yaml", body=dump_yaml(_chart(extension))),
        StudioFile(path=f"{folder}/values.yaml", body=dump_yaml(_values(extension, ca_pem))),
        *(
            StudioFile(path=f"{folder}/templates/{each.key}.yaml", body=_template(each))
            for each in kept
        ),
        StudioFile(path=TLS_VALUES, body=dump_yaml(_tls_values(pair)), mode=SECRET_MODE),
    )


def _chart(extension: Extension) -> dict[str, Any]:
    return {
        "apiVersion": "v2",
        "name": extension.name,
        "description": f"The extension API server of {extension.apiservice}",
        "type": "application",
        "version": "0.1.0",
        "kubeVersion": _kube_version(extension),
    }


def _kube_version(extension: Extension) -> str:
    """Return which versions serve every API that the templates use."""
    served: list[tuple[int, int | None]] = [(OLDEST_MINOR, None)]
    if extension.replicas > 1:
        served.append(disruption_budget_served(extension))
    if extension.flow_schema:
        served.append(flow_schema_served(extension))
    last = min((until for _since, until in served if until), default=None)
    text = f">=1.{max(since for since, _until in served)}.0-0"
    return f"{text} <1.{last + 1}.0-0" if last else text


def _values(extension: Extension, ca_pem: str) -> dict[str, Any]:
    return {
        "image": extension.image,
        "replicas": extension.replicas,
        "resources": {},
        "caBundle": ca_pem,
        "tls": {"crt": "", "key": "", "ca": ""},
    }


def _tls_values(pair: ServingPair) -> dict[str, Any]:
    return {"tls": {"crt": pair.certificate_pem, "key": pair.key_pem, "ca": pair.root_pem}}


def _template(manifest: Manifest) -> str:
    """Write one object with marks where values go, then put the templates there."""
    text = dump_yaml(_marked(manifest))
    return _MARK.sub(lambda mark: _TEMPLATES[mark[1]], text)


def _marked(manifest: Manifest) -> dict[str, Any]:
    found = dict(manifest.document)
    if manifest.key == "secret":
        found["data"] = {
            "tls.crt": "STUDIO-VALUE-CERTIFICATE",
            "tls.key": "STUDIO-VALUE-KEY",
            "ca.crt": "STUDIO-VALUE-ROOT",
        }
    elif manifest.key == "apiservice":
        found["spec"] = {**found["spec"], "caBundle": "STUDIO-VALUE-BUNDLE"}
    elif manifest.key == "deployment":
        found["spec"] = _marked_deployment(found["spec"])
    return found


def _marked_deployment(spec: dict[str, Any]) -> dict[str, Any]:
    template = spec["template"]
    pod = template["spec"]
    container = {
        **pod["containers"][0],
        "image": "STUDIO-VALUE-IMAGE",
        "resources": "STUDIO-VALUE-RESOURCES",
    }
    return {
        **spec,
        "replicas": "STUDIO-VALUE-REPLICAS",
        "template": {**template, "spec": {**pod, "containers": [container]}},
    }
