"""Which folders a containerised kube-apiserver must be given, and under which names."""

from __future__ import annotations

from dataclasses import dataclass

# kubeadm mounts these into kube-apiserver by itself (volumes k8s-certs and ca-certs).
KUBEADM_MOUNTS = ("/etc/kubernetes/pki", "/etc/ssl/certs")
# kubespray sets kubeadm's certificatesDir to this folder.
KUBESPRAY_MOUNTS = (*KUBEADM_MOUNTS, "/etc/kubernetes/ssl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """A folder of the host, seen under the same path in the container. `name` is a DNS label."""

    name: str
    path: str


def missing_volumes(
    directories: tuple[str, ...], *, mounted: tuple[str, ...]
) -> tuple[Volume, ...]:
    """Return a volume for each of `directories` that lies in none of the `mounted` folders."""
    missing = [
        folder for folder in directories if not any(_within(folder, parent) for parent in mounted)
    ]
    return tuple(
        Volume(name=f"aggregation-pki-{number}" if number > 1 else "aggregation-pki", path=folder)
        for number, folder in enumerate(missing, start=1)
    )


def _within(folder: str, parent: str) -> bool:
    return folder == parent or folder.startswith(f"{parent}/")
