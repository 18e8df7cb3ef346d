"""Commands to copy, made of names that a cluster told: every word is quoted for a shell."""

from __future__ import annotations

import shlex

from aggportal.doctor.evidence import Json
from aggportal.doctor.objects import mapping_at
from aggportal.kube.apiservices import APIService

API_SERVER_LOG = "kubectl --namespace kube-system logs --selector component=kube-apiserver"
# What is left of a word that no terminal should be shown.
_ODD = "…"


def kubectl(*words: str) -> str:
    """`kubectl` with these words, each quoted where it must be."""
    return " ".join(["kubectl", *(_quoted(word) for word in words)])


def raw(path: str) -> str:
    """What any client gets at a path."""
    return kubectl("get", "--raw", path)


def of_apiservice(each: APIService) -> str:
    """The APIService as it stands in the cluster."""
    return kubectl("get", "apiservice", each.name, "--output", "yaml")


def of_service(each: APIService) -> str:
    """The Service with its endpoints and pods."""
    reference = each.service
    namespace, name = (reference.namespace, reference.name) if reference else ("", "")
    words = ("get", "service,endpoints", name, "--output", "wide")
    return kubectl("--namespace", namespace, *words)


def patch_service(each: APIService, patch: str) -> str:
    """Change the Service behind it by a merge patch."""
    reference = each.service
    namespace, name = (reference.namespace, reference.name) if reference else ("", "")
    words = ("patch", "service", name, "--type", "merge", "--patch", patch)
    return kubectl("--namespace", namespace, *words)


def patch_apiservice(each: APIService, patch: str) -> str:
    """Change the APIService by a merge patch."""
    return kubectl("patch", "apiservice", each.name, "--type", "merge", "--patch", patch)


def logs_of(each: APIService, service: Json | None = None) -> str:
    """The logs of the pods that the Service selects; of its namespace's pods where that is not
    known.
    """
    namespace = each.service.namespace if each.service else ""
    selector = mapping_at(service, "spec", "selector") if service else {}
    if not selector:
        return kubectl("--namespace", namespace, "get", "pods", "--output", "wide")
    labels = ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
    return kubectl(
        "--namespace", namespace, "logs", "--selector", labels, "--all-containers", "--tail", "50"
    )


def _quoted(word: str) -> str:
    return shlex.quote(word if word.isprintable() else _ODD)
