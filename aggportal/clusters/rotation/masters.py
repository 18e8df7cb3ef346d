"""What is to be done on the masters, for each way of installing, and how files are taken up."""

from __future__ import annotations

from dataclasses import dataclass

from aggportal.clusters.rotation.steps import Command
from aggportal.doctor.told import say
from aggportal.kube.flags import DEFAULT_DIRECTORY
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """Where a way of installing keeps the front proxy's three files."""

    title: Sentence
    ca: str
    certificate: str
    key: str


_KUBEADM = "/etc/kubernetes/pki/front-proxy"
_KUBESPRAY = "/etc/kubernetes/ssl/front-proxy"
_WAYS = (
    _Way(
        title=say("kubeadm"),
        ca=f"{_KUBEADM}-ca.crt",
        certificate=f"{_KUBEADM}-client.crt",
        key=f"{_KUBEADM}-client.key",
    ),
    _Way(
        title=say("Kubespray"),
        ca=f"{_KUBESPRAY}-ca.crt",
        certificate=f"{_KUBESPRAY}-client.crt",
        key=f"{_KUBESPRAY}-client.key",
    ),
)
# Moved into place, so that kube-apiserver never reads half a file.
_PUT = """\
sudo cp -p {target} {target}.before
sudo install -m {mode} {source} {target}.new && sudo mv {target}.new {target}\
"""

TAKEN_UP = (
    say(
        _n(
            "No restart: kube-apiserver takes up the requestheader CA file by itself since 1.17 "
            "and the proxy client pair since 1.20, at once since 1.23 and within a minute before."
        )
    ),
)
CA_NOTES = (
    *TAKEN_UP,
    say(
        _n(
            "kubeadm points kube-controller-manager at the same file "
            "(--requestheader-client-ca-file); it follows the file as well."
        )
    ),
    say(
        _n(
            "An extension API server that was started with its own --requestheader-client-ca-file "
            "does not follow the ConfigMap: give it the new file and restart it. All others follow "
            "by themselves."
        )
    ),
    say(
        _n(
            "k3s and RKE2 keep this CA in their own store and write the file anew when they start: "
            "exchange it there with their own command (k3s certificate rotate-ca), and let this "
            "page watch."
        )
    ),
)


def ca_commands(filename: str, current: str) -> tuple[Command, ...]:
    """Put the CA file into its place on a master. `current` is its name where it lies under the
    portal's own file names.
    """
    own = f"{DEFAULT_DIRECTORY}/{current}"
    places = [(way.title, way.ca) for way in _WAYS] + [(_OWN, own)]
    return tuple(
        Command(title=title, lines=_put(filename, target, "0644")) for title, target in places
    )


def pair_commands(base: str) -> tuple[Command, ...]:
    """Unpack the archive and put certificate and key into their places on a master."""
    unpack = f"tar -xzf {base}.tar.gz"
    ways = [
        Command(
            title=way.title,
            lines="\n".join(
                (
                    unpack,
                    _put(f"{base}.pem", way.certificate, "0644"),
                    _put(f"{base}-key.pem", way.key, "0600"),
                )
            ),
        )
        for way in _WAYS
    ]
    return (*ways, Command(title=_OWN, lines=f"{unpack}\nsudo ./install.sh {DEFAULT_DIRECTORY}"))


_OWN = say(_n("The portal's own file names"))


def _put(source: str, target: str, mode: str) -> str:
    return _PUT.format(source=source, target=target, mode=mode)
