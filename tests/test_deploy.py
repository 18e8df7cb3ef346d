from __future__ import annotations

import configparser
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from aggportal.kube.permissions import render_access

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = ROOT / "deploy/kubernetes"
# `--bind` differs: loopback on a host, every address of a container.
BIND = {"127.0.0.1:$PORT", "127.0.0.1:8000", "0.0.0.0:8000"}


def documents() -> list[dict[str, Any]]:
    kustomization = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())
    texts = [(MANIFESTS / name).read_text() for name in kustomization["resources"]]
    return [document for text in texts for document in yaml.safe_load_all(text)]


def deployments() -> dict[str, dict[str, Any]]:
    found = [document for document in documents() if document["kind"] == "Deployment"]
    return {document["metadata"]["name"]: document for document in found}


def containers(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    pod = deployment["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def processes() -> dict[str, list[str]]:
    """The commands of `make run`, by process, without the address."""
    lines = (ROOT / "deploy/Procfile").read_text().splitlines()
    named = dict(line.split(": ", 1) for line in lines)
    return {name: portable(shlex.split(command)[1:]) for name, command in named.items()}


def portable(command: list[str]) -> list[str]:
    program = command[0].removeprefix("/opt/aggportal/.venv/bin/")
    return [program, *(part for part in command[1:] if part not in BIND)]


def id_of(document: dict[str, Any]) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


@pytest.mark.parametrize("document", documents(), ids=id_of)
def test_a_manifest_is_what_kubernetes_knows(document):
    model = getattr(client, "V1" + document["kind"])
    assert model.model_validate(document).metadata.name


def test_the_models_refuse_a_misspelt_key():
    deployment = deployments()["aggportal-web"]
    deployment["spec"]["template"]["spec"]["contianers"] = []
    with pytest.raises(ValueError, match="contianers"):
        client.V1Deployment.model_validate(deployment)


def test_every_manifest_is_part_of_the_kustomization():
    named = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in MANIFESTS.glob("*.yaml")} == {*named, "kustomization.yaml"}


@pytest.mark.parametrize("name", ["aggportal-web", "aggportal-worker"])
def test_a_pod_runs_under_the_restricted_standard(name):
    deployment = deployments()[name]
    pod = deployment["spec"]["template"]["spec"]["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(deployment):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_cluster_role_is_what_watching_needs_and_no_more():
    (role,) = [document for document in documents() if document["kind"] == "ClusterRole"]
    printed = list(yaml.safe_load_all(render_access()))
    assert role["rules"] == next(each for each in printed if each["kind"] == "ClusterRole")["rules"]


@pytest.mark.parametrize("process", ["web", "worker"])
def test_every_place_starts_the_same_processes(process):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(ROOT / f"deploy/systemd/aggportal-{process}.service")
    container = containers(deployments()[f"aggportal-{process}"])[-1]
    assert portable(shlex.split(unit["Service"]["ExecStart"])) == processes()[process]
    assert portable(container["command"]) == processes()[process]


def test_the_image_starts_the_pages():
    last = (ROOT / "deploy/Dockerfile").read_text().strip().splitlines()[-1]
    assert portable(yaml.safe_load(last.removeprefix("CMD "))) == processes()["web"]


def test_the_image_is_not_root():
    assert "USER 10001:10001" in (ROOT / "deploy/Dockerfile").read_text()
