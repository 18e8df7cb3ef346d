"""The flags in kubeadm's ClusterConfiguration.

v1beta3 (Kubernetes 1.22 to 1.36) takes a map, v1beta4 (from 1.31) a list of names and values.

kubeadm replaces its own default for a flag by the given one, so that no flag comes twice.
"""

from __future__ import annotations

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.kube.flags.quoting import for_container
from aggportal.kube.flags.rendered import File, Rendered, Step, command
from aggportal.kube.flags.steps import (
    check_cluster,
    check_process,
    next_master,
    prove_files,
    put_files,
)
from aggportal.kube.flags.volumes import KUBEADM_MOUNTS, missing_volumes
from aggportal.kube.manifests import dump_yaml
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def render_kubeadm_v1beta3(front_proxy: FrontProxy) -> Rendered:
    """Return the part of a v1beta3 ClusterConfiguration, whose extraArgs are a map."""
    arguments = {flag.name: for_container(flag.value) for flag in front_proxy.flags}
    return _render(front_proxy, version="v1beta3", arguments=arguments, since=22, until=36)


def render_kubeadm_v1beta4(front_proxy: FrontProxy) -> Rendered:
    """Return the part of a v1beta4 ClusterConfiguration, whose extraArgs are a list."""
    arguments = [
        {"name": flag.name, "value": for_container(flag.value)} for flag in front_proxy.flags
    ]
    return _render(front_proxy, version="v1beta4", arguments=arguments, since=31, until=None)


def _render(
    front_proxy: FrontProxy, *, version: str, arguments: object, since: int, until: int | None
) -> Rendered:
    key = f"kubeadm-{version}"
    body = dump_yaml(_configuration(front_proxy, version=version, arguments=arguments))
    return Rendered(
        key=key,
        title=Sentence(text=_n("kubeadm %(version)s"), params={"version": version}),
        summary=Sentence(
            text=_n("For a cluster made by kubeadm, configuration format %(version)s (%(range)s)."),
            params={
                "version": version,
                "range": f"1.{since}–1.{until}" if until else f"≥ 1.{since}",
            },
        ),
        files=(File(key=key, filename=f"{key}.yaml", path="", body=body, language="yaml"),),
        apply_steps=(put_files(front_proxy), prove_files(front_proxy), *_STEPS, next_master()),
        check_steps=(check_process(), *check_cluster(front_proxy)),
        notes=_NOTES,
        since=since,
        until=until,
    )


def _configuration(
    front_proxy: FrontProxy, *, version: str, arguments: object
) -> dict[str, object]:
    server: dict[str, object] = {"extraArgs": arguments}
    volumes = missing_volumes(front_proxy.directories, mounted=KUBEADM_MOUNTS)
    if volumes:
        server["extraVolumes"] = [
            {
                "name": volume.name,
                "hostPath": volume.path,
                "mountPath": volume.path,
                "readOnly": True,
                "pathType": "DirectoryOrCreate",
            }
            for volume in volumes
        ]
    return {
        "apiVersion": f"kubeadm.k8s.io/{version}",
        "kind": "ClusterConfiguration",
        "apiServer": server,
    }


_NOTES = (
    Sentence(
        text=_n(
            "kubeadm makes a front-proxy CA and certificate of its own in /etc/kubernetes/pki and "
            "sets these flags by itself. Flags of your own are needed only where your own CA shall "
            "take its place; they replace kubeadm's, flag by flag. To keep kubeadm's files, take "
            "enable-aggregator-routing alone."
        )
    ),
    Sentence(
        text=_n(
            "kubeadm certs renew does not renew these files; renew them here before they expire. "
            "kube-controller-manager keeps kubeadm's own CA, and nothing of the aggregation layer "
            "depends on that."
        )
    ),
)

_FETCH = Step(
    says=Sentence(
        text=_n(
            "Fetch the cluster's present configuration and put the apiServer part into it. Do not "
            "upload the part alone: kubeadm would take it for the whole and forget the networks. A "
            "new cluster takes it in the file for kubeadm init instead."
        )
    ),
    commands=command(
        "kubectl get configmap kubeadm-config --namespace kube-system"
        " --output jsonpath='{.data.ClusterConfiguration}' > kubeadm.yaml"
    ),
)
_UPLOAD = Step(
    says=Sentence(
        text=_n(
            "Once for the cluster: upload the merged configuration, so that the next upgrade keeps "
            "it."
        )
    ),
    commands=command("kubeadm init phase upload-config kubeadm --config kubeadm.yaml"),
)
_WRITE = Step(
    says=Sentence(
        text=_n(
            "On each master: write its manifest anew; the kubelet then restarts kube-apiserver. "
            "Where a master has several addresses, add an InitConfiguration with its "
            "localAPIEndpoint to the file first."
        )
    ),
    commands=command("kubeadm init phase control-plane apiserver --config kubeadm.yaml"),
)
_STEPS = (_FETCH, _UPLOAD, _WRITE)
