"""The flags as kubespray's variables.

kubespray's template puts each value between double quotes without escaping it, and Ansible expands
braces before that: a value with such characters is refused here rather than escaped three times
over.
"""

from __future__ import annotations

import re

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.kube.flags.rendered import File, Rendered, Step, command
from aggportal.kube.flags.steps import check_cluster, check_process, prove_files, put_files
from aggportal.kube.flags.volumes import KUBESPRAY_MOUNTS, missing_volumes
from aggportal.kube.manifests import dump_yaml
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# kubespray always writes this flag, from a variable of its own.
_ROUTING = "enable-aggregator-routing"
_HARMLESS = re.compile(r"[A-Za-z0-9 ._/,:@=+-]+", re.ASCII)
_TITLE = Sentence(text=_n("kubespray"))
_SUMMARY = Sentence(text=_n("For a cluster that kubespray keeps: variables of its inventory."))


def render_kubespray(front_proxy: FrontProxy) -> Rendered:
    """Return the variables, or a refusal where a value would not survive kubespray's template."""
    for flag in front_proxy.flags:
        if not _HARMLESS.fullmatch(flag.value):
            return _refused(flag.value)
    body = dump_yaml(_variables(front_proxy))
    return Rendered(
        key="kubespray",
        title=_TITLE,
        summary=_SUMMARY,
        files=(
            File(key="kubespray", filename="aggregation.yml", path="", body=body, language="yaml"),
        ),
        apply_steps=(put_files(front_proxy), prove_files(front_proxy), _PUT, _RUN),
        check_steps=(check_process(), *check_cluster(front_proxy)),
        notes=(_NOTE,),
    )


def _variables(front_proxy: FrontProxy) -> dict[str, object]:
    variables: dict[str, object] = {
        "kube_api_aggregator_routing": front_proxy.aggregator_routing,
        "kube_kubeadm_apiserver_extra_args": {
            flag.name: flag.value for flag in front_proxy.flags if flag.name != _ROUTING
        },
    }
    volumes = missing_volumes(front_proxy.directories, mounted=KUBESPRAY_MOUNTS)
    if volumes:
        variables["apiserver_extra_volumes"] = [
            {
                "name": volume.name,
                "hostPath": volume.path,
                "mountPath": volume.path,
                "readOnly": True,
            }
            for volume in volumes
        ]
    return variables


def _refused(value: str) -> Rendered:
    text = _n(
        "kubespray cannot carry “%(value)s”: it copies values into its own template without "
        "escaping them. Use names of letters, digits, spaces and . _ / : @ = + - with kubespray, "
        "or another way."
    )
    return Rendered(
        key="kubespray",
        title=_TITLE,
        summary=_SUMMARY,
        files=(),
        apply_steps=(),
        check_steps=(),
        refusal=Sentence(text=text, params={"value": value}),
    )


_NOTE = Sentence(
    text=_n(
        "kubespray installs through kubeadm, which makes a front-proxy CA and certificate of its "
        "own. Flags of your own are needed only where your own CA shall take its place; otherwise "
        "kube_api_aggregator_routing is enough."
    )
)
_PUT = Step(
    says=Sentence(
        text=_n(
            "Put the variables into the inventory, under group_vars/k8s_cluster. Where one of them "
            "is there already, merge them: of two definitions only one counts."
        )
    )
)
_RUN = Step(
    says=Sentence(
        text=_n(
            "Run the playbook that goes through the masters one at a time; CLUSTER is the name of "
            "your inventory. The files must be on every master before."
        )
    ),
    commands=command(
        "ansible-playbook --inventory inventory/CLUSTER/hosts.yaml --become upgrade-cluster.yml"
    ),
)
