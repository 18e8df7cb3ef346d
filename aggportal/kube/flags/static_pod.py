"""The flags for a kube-apiserver that the kubelet runs from a manifest: a JSON patch, as YAML.

A strategic merge patch would replace the whole `command`, for it is an atomic list; a JSON patch
appends to it.
"""

from __future__ import annotations

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.kube.flags.quoting import for_container
from aggportal.kube.flags.rendered import File, Rendered, Step, commands
from aggportal.kube.flags.steps import (
    FLAG_PATTERN,
    check_cluster,
    check_process,
    next_master,
    prove_files,
    put_files,
)
from aggportal.kube.flags.volumes import KUBEADM_MOUNTS, Volume, missing_volumes
from aggportal.kube.manifests import dump_yaml
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
# Beside the manifests, not among them: the kubelet would run every file that lies there.
WORKSHOP = "/etc/kubernetes/aggregation"
PATCH = "kube-apiserver.patch.yaml"


def render_static_pod(front_proxy: FrontProxy) -> Rendered:
    """Return the patch that appends the flags, and volumes for folders not mounted yet."""
    volumes = missing_volumes(front_proxy.directories, mounted=KUBEADM_MOUNTS)
    operations = [_append_flag(argument) for argument in front_proxy.arguments]
    for volume in volumes:
        operations += _append_volume(volume)
    file = File(
        key="static-pod", filename=PATCH, path="", body=dump_yaml(operations), language="yaml"
    )
    return Rendered(
        key="static-pod",
        title=Sentence(text=_n("Static pod")),
        summary=Sentence(text=_n("For a kube-apiserver that the kubelet starts from a manifest.")),
        files=(file,),
        apply_steps=(
            put_files(front_proxy),
            prove_files(front_proxy),
            *_patch_steps(),
            next_master(),
        ),
        check_steps=(check_process(), *check_cluster(front_proxy)),
        notes=(_NOTE_KUBEADM, *((_NOTE_VOLUMES,) if volumes else ())),
    )


_NOTE_KUBEADM = Sentence(
    text=_n(
        "kubeadm writes this manifest anew at every upgrade. Where kubeadm made the cluster, use "
        "its own way instead."
    )
)
_NOTE_VOLUMES = Sentence(
    text=_n(
        "The patch also mounts the folder of the files, read-only. Apply it once only, and leave "
        "out its last entries where the manifest mounts that folder already: a volume that is "
        "there twice keeps kube-apiserver from starting."
    )
)


def _append_flag(argument: str) -> dict[str, object]:
    return {"op": "add", "path": "/spec/containers/0/command/-", "value": for_container(argument)}


def _append_volume(volume: Volume) -> list[dict[str, object]]:
    mount = {"name": volume.name, "mountPath": volume.path, "readOnly": True}
    host_path = {"path": volume.path, "type": "DirectoryOrCreate"}
    return [
        {"op": "add", "path": "/spec/containers/0/volumeMounts/-", "value": mount},
        {
            "op": "add",
            "path": "/spec/volumes/-",
            "value": {"name": volume.name, "hostPath": host_path},
        },
    ]


def _patch_steps() -> tuple[Step, ...]:
    take_away = _n(
        "Copy the manifest to a folder that the kubelet does not watch, without the flags that it "
        "has already: list flags that are given twice add up."
    )
    patch = _n(
        "Patch the copy, and look at the difference: only these flags and the folder with the "
        "files change."
    )
    replace = _n(
        "Move it into place in one step. The kubelet restarts kube-apiserver within half a minute."
    )
    return (
        Step(says=Sentence(text=take_away), commands=commands(*take_away_commands())),
        Step(says=Sentence(text=patch), commands=commands(*patch_commands())),
        Step(
            says=Sentence(text=replace),
            commands=commands(
                f"chmod 0600 {WORKSHOP}/after.yaml", f"mv {WORKSHOP}/after.yaml {MANIFEST}"
            ),
        ),
    )


def take_away_commands() -> tuple[str, ...]:
    """Return the commands that copy the manifest and leave out our flags, quoted or not."""
    pattern = f"^ *- [\"']?{FLAG_PATTERN}=".replace('"', '\\"')
    return (
        f"install -d -m 0700 {WORKSHOP}",
        f"cp -p {MANIFEST} {WORKSHOP}/before.yaml",
        f'grep -vE -- "{pattern}" {WORKSHOP}/before.yaml > {WORKSHOP}/without.yaml',
    )


def patch_commands() -> tuple[str, ...]:
    """Return the commands that patch the copy, asking no API server, and show the difference."""
    return (
        f"kubectl patch --local --filename {WORKSHOP}/without.yaml --type json"
        f' --patch "$(cat {PATCH})" --output yaml > {WORKSHOP}/after.yaml',
        f"diff {WORKSHOP}/before.yaml {WORKSHOP}/after.yaml",
    )
