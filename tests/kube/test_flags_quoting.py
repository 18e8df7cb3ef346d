"""Whatever a common name holds, kube-apiserver receives exactly that, in every way."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess

import pytest
import yaml
from hypothesis import example, given, settings

from aggportal.kube.flags import FrontProxy, Rendered, render_all
from tests.kube import systemd_rules
from tests.kube.flags_values import NASTY_PROXY, front_proxies


def way(front_proxy: FrontProxy, key: str) -> Rendered:
    return next(rendered for rendered in render_all(front_proxy) if rendered.key == key)


def in_container(argument: str) -> str:
    """What the kubelet makes of a container's argument: third_party/forked/golang/expansion."""
    out, position = "", 0
    while position < len(argument):
        char = argument[position]
        after = argument[position + 1 : position + 2]
        assert not (char == "$" and after == "("), "a variable would be expanded"
        out += char
        position += 2 if char == after == "$" else 1
    return out


@pytest.mark.parametrize("shell", ["sh", "bash"])
@given(front_proxy=front_proxies())
@example(front_proxy=NASTY_PROXY)
@settings(max_examples=40, deadline=None)
def test_a_shell_hands_over_the_plain_flags_unchanged(shell: str, front_proxy: FrontProxy) -> None:
    script = "printf '%s\\0' \\\n" + way(front_proxy, "plain").body
    done = subprocess.run(
        [shutil.which(shell) or shell, "-c", script], capture_output=True, check=True
    )
    assert done.stdout.decode().split("\0")[:-1] == list(front_proxy.arguments)
    assert done.stderr == b""


@given(front_proxies())
@example(NASTY_PROXY)
def test_systemd_splits_the_environment_file_into_the_same_arguments(
    front_proxy: FrontProxy,
) -> None:
    _, environment, _ = way(front_proxy, "systemd").files
    values = systemd_rules.read_environment_file(environment.body)
    assert systemd_rules.read_exec_start("$KUBE_AGG_ARGS", environment=values) == list(
        front_proxy.arguments
    )


@given(front_proxies())
@example(NASTY_PROXY)
def test_systemd_reads_the_exec_start_lines_as_the_same_arguments(front_proxy: FrontProxy) -> None:
    _, _, lines = way(front_proxy, "systemd").files
    variables = {"HOME": "/wrong", "X": "wrong"}
    assert systemd_rules.read_exec_start(lines.body, environment=variables) == list(
        front_proxy.arguments
    )


@given(front_proxies())
@example(NASTY_PROXY)
def test_the_static_pod_patch_appends_the_same_arguments(front_proxy: FrontProxy) -> None:
    operations = yaml.safe_load(way(front_proxy, "static-pod").body)
    values = [one["value"] for one in operations if one["path"] == "/spec/containers/0/command/-"]
    assert [in_container(value) for value in values] == list(front_proxy.arguments)


@given(front_proxies())
@example(NASTY_PROXY)
def test_kubeadm_gets_a_map_of_strings_and_a_list_of_pairs(front_proxy: FrontProxy) -> None:
    expected = {flag.name: flag.value for flag in front_proxy.flags}
    old = yaml.safe_load(way(front_proxy, "kubeadm-v1beta3").body)["apiServer"]["extraArgs"]
    new = yaml.safe_load(way(front_proxy, "kubeadm-v1beta4").body)["apiServer"]["extraArgs"]
    assert {name: in_container(value) for name, value in old.items()} == expected
    assert {pair["name"]: in_container(pair["value"]) for pair in new} == expected
    assert len(new) == len(expected)


@given(front_proxies())
@example(NASTY_PROXY)
def test_k3s_and_rke2_get_a_list_of_assignments(front_proxy: FrontProxy) -> None:
    expected = [argument.removeprefix("--") for argument in front_proxy.arguments]
    k3s = yaml.safe_load(way(front_proxy, "k3s").body)["kube-apiserver-arg"]
    rke2 = yaml.safe_load(way(front_proxy, "rke2").body)["kube-apiserver-arg"]
    assert k3s == expected
    assert [in_container(value) for value in rke2] == expected


@given(front_proxies())
@example(NASTY_PROXY)
def test_kube_apiserver_reads_the_names_back_from_the_list(front_proxy: FrontProxy) -> None:
    value = next(
        flag.value for flag in front_proxy.flags if flag.name == "requestheader-allowed-names"
    )
    assert tuple(next(csv.reader(io.StringIO(value), strict=True))) == front_proxy.allowed_names


@given(front_proxies())
@example(NASTY_PROXY)
def test_kubespray_carries_a_value_unchanged_or_refuses_it(front_proxy: FrontProxy) -> None:
    rendered = way(front_proxy, "kubespray")
    if rendered.refusal:
        return
    for name, value in yaml.safe_load(rendered.body)["kube_kubeadm_apiserver_extra_args"].items():
        assert yaml.safe_load(f'{name}: "{value}"') == {name: value}
        assert not set(value) & set('{}$"\\')
