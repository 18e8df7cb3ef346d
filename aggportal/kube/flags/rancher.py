"""The flags for k3s and RKE2: `kube-apiserver-arg` in config.yaml, a list of `name=value`.

Both replace their own default for a flag by the given one. k3s runs kube-apiserver inside its own
process; RKE2 runs it as a static pod, where the kubelet expands `$`, and mounts every file that a
flag names and that is there at the start.
"""

from __future__ import annotations

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.kube.flags.quoting import for_container
from aggportal.kube.flags.rendered import File, Rendered, Step, command, commands
from aggportal.kube.flags.steps import (
    check_cluster,
    check_journal,
    check_process,
    next_master,
    prove_files,
    put_files,
)
from aggportal.kube.manifests import dump_yaml
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def render_k3s(front_proxy: FrontProxy) -> Rendered:
    """Return the part of /etc/rancher/k3s/config.yaml."""
    values = [f"{flag.name}={flag.value}" for flag in front_proxy.flags]
    return _render(
        front_proxy, product="k3s", unit="k3s", values=values, check=check_journal("k3s")
    )


def render_rke2(front_proxy: FrontProxy) -> Rendered:
    """Return the part of /etc/rancher/rke2/config.yaml."""
    values = [f"{flag.name}={for_container(flag.value)}" for flag in front_proxy.flags]
    return _render(
        front_proxy, product="rke2", unit="rke2-server", values=values, check=check_process()
    )


def _render(
    front_proxy: FrontProxy, *, product: str, unit: str, values: list[str], check: Step
) -> Rendered:
    name = {"rke2": "RKE2"}.get(product, product)
    path = f"/etc/rancher/{product}/config.yaml"
    body = dump_yaml({"kube-apiserver-arg": values})
    return Rendered(
        key=product,
        title=Sentence(text=name),
        summary=Sentence(
            text=_n("For the servers of a cluster made by %(name)s."), params={"name": name}
        ),
        files=(
            File(
                key=product,
                filename=f"{product}-config.yaml",
                path=path,
                body=body,
                language="yaml",
            ),
        ),
        apply_steps=(
            put_files(front_proxy),
            prove_files(front_proxy),
            _merge(path),
            _restart(name=name, unit=unit),
            next_master(),
        ),
        check_steps=(check, *check_cluster(front_proxy)),
        notes=_notes(name=name, product=product, unit=unit),
    )


def _merge(path: str) -> Step:
    text = _n(
        "Put the list into %(path)s. Where kube-apiserver-arg is there already, add the lines to "
        "that list: of two lists under one name only one counts. Take away lines that set one of "
        "these flags: given twice, they add up."
    )
    return Step(
        says=Sentence(text=text, params={"path": path}),
        commands=command(f"grep -n -A 20 'kube-apiserver-arg' {path}"),
    )


def _restart(*, name: str, unit: str) -> Step:
    text = _n("Restart %(name)s on this server.")
    return Step(
        says=Sentence(text=text, params={"name": name}),
        commands=commands(f"systemctl restart {unit}", f"systemctl is-active {unit}"),
    )


def _notes(*, name: str, product: str, unit: str) -> tuple[Sentence, ...]:
    own = _n(
        "%(name)s makes a front-proxy CA and certificate of its own (request-header-ca and "
        "client-auth-proxy in %(folder)s, common name system:auth-proxy) and renews the "
        "certificate by itself. Flags of your own are needed only where your own CA shall take its "
        "place; they replace its own, flag by flag, on every server."
    )
    routing = _n(
        "enable-aggregator-routing is on by default in %(name)s, unless egress-selector-mode is "
        "disabled. To keep its own certificate, no flag is needed at all."
    )
    renew = _n(
        "%(name)s does not renew these files; renew them here before they expire, then restart "
        "%(unit)s."
    )
    folder = f"/var/lib/rancher/{product}/server/tls"
    return (
        Sentence(text=own, params={"name": name, "folder": folder}),
        Sentence(text=routing, params={"name": name}),
        Sentence(text=renew, params={"name": name, "unit": unit}),
    )
