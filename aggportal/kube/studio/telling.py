"""What a person should know of a description that is allowed, and how the set is applied."""

from __future__ import annotations

from aggportal.kube.studio.described import PRESENT_NAMESPACES, Extension
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def notes_on(extension: Extension) -> tuple[Sentence, ...]:
    """Return what is worth knowing before the set is applied."""
    notes = []
    last_part = extension.image.rsplit("/", 1)[-1]
    if "@" not in last_part and (":" not in last_part or last_part.endswith(":latest")):
        notes.append(
            _n(
                "The image has no fixed version: replicas can come to run different programs. "
                "Name a tag, or better a digest."
            )
        )
    if extension.replicas == 1:
        notes.append(
            _n(
                "With one replica the group is gone while its pod moves, and there is no "
                "disruption budget: it would hold up every drain of the node."
            )
        )
    if extension.namespace in PRESENT_NAMESPACES:
        notes.append(
            _n("The namespace belongs to Kubernetes itself; the set does not hold it, so that "
               "deleting the set leaves it alone.")
        )  # fmt: skip
    if not extension.sources:
        notes.append(
            _n(
                "The network policy lets anybody connect to the port. Name the networks of the "
                "control plane where they are known."
            )
        )
    return tuple(Sentence(text=text) for text in notes)


def apply_script(extension: Extension, form: str) -> str:
    """Return the commands that apply the set: all but the APIService, wait, then the APIService."""
    name, namespace = extension.name, extension.namespace
    ready = f"kubectl -n {namespace} rollout status deployment/{name} --timeout=5m"
    available = (
        f"kubectl wait --for=condition=Available --timeout=2m apiservice/{extension.apiservice}"
    )
    if form == "helm":
        install = (
            f"helm install {name} ./{name} --namespace {namespace} --create-namespace "
            "-f values-tls.yaml"
        )
        return "\n".join((f"tar -xzf {name}-chart.tar.gz", install, ready, available))
    what = f"-k {name}" if form == "kustomize" else f"-f {name}.yaml"
    first = f"kubectl apply {what} -l app.kubernetes.io/component!=registration"
    lines = [first, ready, f"kubectl apply {what}", available]
    unpack = [f"tar -xzf {name}-kustomize.tar.gz"] if form == "kustomize" else []
    return "\n".join((*unpack, *lines))


def remove_script(extension: Extension, form: str) -> str:
    """Return the commands that remove the set; the APIService goes first, so nothing hangs."""
    name = extension.name
    gone = f"kubectl delete apiservice {extension.apiservice}"
    if form == "helm":
        return f"{gone}\nhelm uninstall {name} --namespace {extension.namespace}"
    what = f"-k {name}" if form == "kustomize" else f"-f {name}.yaml"
    return f"{gone}\nkubectl delete {what} --ignore-not-found"
