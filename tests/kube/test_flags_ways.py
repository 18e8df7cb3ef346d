"""Every way sets each flag once, mounts what is missing, says how to apply and to check it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from aggportal.kube.flags import RENDERERS, Rendered, Renderer, render_all
from aggportal.kube.flags.static_pod import MANIFEST, WORKSHOP, patch_commands, take_away_commands
from tests.kube.flags_values import NASTY_PROXY, USUAL, front_proxy

WAYS = {rendered.key: rendered for rendered in render_all(USUAL)}
EVERY_FLAG = dataclasses.replace(USUAL, aggregator_routing=True, uid_headers=("X-Remote-Uid",))


def at(directory: str, key: str) -> Rendered:
    proxy = dataclasses.replace(USUAL, directory=directory)
    return next(rendered for rendered in render_all(proxy) if rendered.key == key)


def test_all_ways_of_the_guide_are_there() -> None:
    assert list(WAYS) == [
        "plain", "systemd", "static-pod", "kubeadm-v1beta3", "kubeadm-v1beta4", "k3s", "rke2",
        "kubespray",
    ]  # fmt: skip


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("name", [flag.name for flag in EVERY_FLAG.flags])
def test_each_flag_stands_exactly_once_in_a_file_of_flags(render: Renderer, name: str) -> None:
    rendered = render(EVERY_FLAG)
    if rendered.key == "kubespray" and name == "enable-aggregator-routing":
        name = "kube_api_aggregator_routing"
    for file in rendered.files:
        expected = 0 if file.key == "systemd" else 1
        assert len(re.findall(rf"(?<![a-z_]){name}(?![\w-])", file.body)) == expected, file.key


@pytest.mark.parametrize("rendered", WAYS.values(), ids=WAYS.keys())
def test_each_way_says_how_to_apply_and_to_check(rendered: Rendered) -> None:
    lines = [command.line for step in rendered.check_steps for command in step.commands]
    assert any("extension-apiserver-authentication -n kube-system" in line for line in lines)
    assert any("kubectl get --raw" in line for line in lines)
    assert any(line.startswith(("ps ", "journalctl ")) for line in lines)
    assert len(rendered.apply_steps) >= 4
    assert all(str(step.says) for step in rendered.apply_steps + rendered.check_steps)


@pytest.mark.parametrize("rendered", WAYS.values(), ids=WAYS.keys())
def test_each_command_is_good_shell(rendered: Rendered) -> None:
    for step in rendered.apply_steps + rendered.check_steps:
        for command in step.commands:
            assert "\n" not in command.line
            subprocess.run(["sh", "-n", "-c", command.line], check=True)


def test_file_keys_and_names_are_unique_over_all_ways() -> None:
    files = [file for rendered in WAYS.values() for file in rendered.files]
    assert len({file.key for file in files}) == len({file.filename for file in files}) == len(files)


def test_the_principal_file_is_the_first() -> None:
    assert (WAYS["systemd"].filename, WAYS["systemd"].language) == ("50-aggregation.conf", "ini")
    assert WAYS["plain"].body.startswith("--requestheader-client-ca-file=")


@pytest.mark.parametrize(
    ("minor", "absent"),
    [(None, set()), (20, {"kubeadm-v1beta3", "kubeadm-v1beta4"}), (30, {"kubeadm-v1beta4"}),
     (36, set()), (37, {"kubeadm-v1beta3"})],
)  # fmt: skip
def test_a_version_leaves_out_what_it_does_not_know(minor: int | None, absent: set[str]) -> None:
    assert set(WAYS) - {rendered.key for rendered in render_all(USUAL, minor=minor)} == absent


@pytest.mark.parametrize("directory", ["/etc/kubernetes/pki", "/etc/kubernetes/pki/own"])
def test_a_folder_that_kubeadm_mounts_is_not_mounted_again(directory: str) -> None:
    for key in ("static-pod", "kubeadm-v1beta3", "kubeadm-v1beta4"):
        assert "olume" not in at(directory, key).body


@pytest.mark.parametrize("key", ["kubeadm-v1beta3", "kubeadm-v1beta4"])
def test_kubeadm_mounts_an_own_folder_read_only(key: str) -> None:
    (volume,) = yaml.safe_load(at("/etc/kubernetes/pki-own", key).body)["apiServer"]["extraVolumes"]
    assert volume == {
        "name": "aggregation-pki",
        "hostPath": "/etc/kubernetes/pki-own",
        "mountPath": "/etc/kubernetes/pki-own",
        "readOnly": True,
        "pathType": "DirectoryOrCreate",
    }


def test_kubespray_mounts_only_what_its_own_folder_does_not_hold() -> None:
    assert "apiserver_extra_volumes" not in at("/etc/kubernetes/ssl", "kubespray").body
    assert "apiserver_extra_volumes" in at("/srv/pki", "kubespray").body


def test_kubespray_refuses_what_its_template_would_break() -> None:
    refused = next(rendered for rendered in render_all(NASTY_PROXY) if rendered.key == "kubespray")
    assert "cannot carry" in str(refused.refusal)
    assert (refused.files, refused.filename, refused.body, refused.language) == ((), "", "", "")


def test_two_folders_become_two_volumes() -> None:
    proxy = front_proxy(client_ca_file="/srv/ca/ca.pem", directory="/srv/leaf")
    patch = yaml.safe_load(next(way for way in render_all(proxy) if way.key == "static-pod").body)
    volumes = [one["value"] for one in patch if one["path"] == "/spec/volumes/-"]
    assert [(volume["name"], volume["hostPath"]["path"]) for volume in volumes] == [
        ("aggregation-pki", "/srv/ca"), ("aggregation-pki-2", "/srv/leaf"),
    ]  # fmt: skip


OLD_MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.example/kube-apiserver:v1.20.2
    command:
    - kube-apiserver
    - --requestheader-allowed-names=front-proxy-client
    - --enable-aggregator-routing=false
    - "--proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt"
    - --tls-cert-file=/etc/kubernetes/pki/apiserver.crt
    volumeMounts: [{name: k8s-certs, mountPath: /etc/kubernetes/pki, readOnly: true}]
  volumes: [{name: k8s-certs, hostPath: {path: /etc/kubernetes/pki}}]
"""


@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl")
def test_kubectl_patches_a_manifest_by_the_steps_as_written(tmp_path: Path) -> None:
    rendered = next(way for way in render_all(NASTY_PROXY) if way.key == "static-pod")
    (tmp_path / rendered.filename).write_text(rendered.body)
    (tmp_path / "kube-apiserver.yaml").write_text(OLD_MANIFEST)
    for line in (*take_away_commands(), *patch_commands()[:1]):
        moved = line.replace(MANIFEST, "kube-apiserver.yaml").replace(
            WORKSHOP, str(tmp_path / "workshop")
        )
        subprocess.run(["sh", "-e", "-c", moved], cwd=tmp_path, check=True)
    pod = yaml.safe_load((tmp_path / "workshop/after.yaml").read_text())
    kept = ["kube-apiserver", "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt"]
    expected = kept + [argument.replace("$", "$$") for argument in NASTY_PROXY.arguments]
    assert pod["spec"]["containers"][0]["command"] == expected
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["k8s-certs", "aggregation-pki"]
