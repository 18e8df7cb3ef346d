"""Steps that several ways share: put the files, prove them, go to the next master, check."""

from __future__ import annotations

import posixpath
import shlex

from aggportal.kube.flags.front_proxy import FrontProxy
from aggportal.kube.flags.rendered import Step, command, commands
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# Finds our flags, in the dialect of `grep -E`.
_LISTS = "allowed-names|extra-headers-prefix|group-headers|username-headers|uid-headers"
FLAG_PATTERN = (
    f"--(requestheader-(client-ca-file|{_LISTS})"
    "|proxy-client-(cert|key)-file|enable-aggregator-routing)"
)


def put_files(front_proxy: FrontProxy) -> Step:
    """Copy the three files to a master, the key readable by root alone."""
    text = _n(
        "Put the CA's certificate, the proxy client certificate and its key on the master, under "
        "these names. The key is for the user alone that kube-apiserver runs as, mostly root. The "
        "CA's own key does not belong on a master."
    )
    folders = [f"install -d -m 0755 {shlex.quote(folder)}" for folder in front_proxy.directories]
    modes = zip(front_proxy.paths, ("0644", "0644", "0600"), strict=True)
    files = [
        f"install -m {mode} {shlex.quote(posixpath.basename(path))} {shlex.quote(path)}"
        for path, mode in modes
    ]
    return Step(says=Sentence(text=text), commands=commands(*folders, *files))


def prove_files(front_proxy: FrontProxy) -> Step:
    """Prove on the master that CA, certificate and key belong together."""
    text = _n(
        "Prove that they belong together before anything restarts: the first command says OK, the "
        "second says that they match. kube-apiserver would not start with a key that does not fit."
    )
    ca, certificate, key = (shlex.quote(path) for path in front_proxy.paths)
    pair = (
        f'[ "$(openssl x509 -in {certificate} -noout -pubkey)"'
        f' = "$(openssl pkey -in {key} -pubout)" ] && echo "key and certificate match"'
    )
    return Step(
        says=Sentence(text=text),
        commands=commands(
            f"openssl verify -purpose sslclient -partial_chain -CAfile {ca} {certificate}", pair
        ),
    )


def next_master() -> Step:
    """Go on to the next master only when this one is ready again."""
    text = _n(
        "One master at a time: wait until this one is ready again, check it, then do the same on "
        "the next one. Until the last one is done the cluster trusts both the old and the new "
        "front proxy, so the other masters go on serving."
    )
    return Step(says=Sentence(text=text), commands=command("kubectl get --raw '/readyz?verbose'"))


def check_process() -> Step:
    """Look at the running process: every flag once."""
    text = _n(
        "On the master, look at the running process: each flag stands there exactly once and with "
        "the new value. A list flag that is given twice adds up, so an old name would still be "
        "allowed."
    )
    line = (
        "ps -ww -o args= -C kube-apiserver | tr ' ' '\\n' | grep -E '^" + FLAG_PATTERN + "' | sort"
    )
    return Step(says=Sentence(text=text), commands=command(line))


def check_journal(unit: str) -> Step:
    """Look at k3s's log for its flags: kube-apiserver is no process of its own there."""
    text = _n(
        "kube-apiserver is no process of its own here, but its flags are logged at the start: each "
        "stands there exactly once and with the new value."
    )
    line = (
        f"journalctl --unit {unit} --grep 'Running kube-apiserver' --output cat | tail -n 1 | tr ' "
        f"' '\\n' | grep -E '^{FLAG_PATTERN}'"
    )
    return Step(says=Sentence(text=text), commands=command(line))


def check_cluster(front_proxy: FrontProxy) -> tuple[Step, ...]:
    """Ask the cluster what it trusts now, and whether requests pass with their user."""
    return (_check_trust(front_proxy), _check_available(), _check_passing())


def _check_trust(front_proxy: FrontProxy) -> Step:
    text = _n(
        "Ask the cluster what it trusts: requestheader-client-ca-file holds the CA, "
        "requestheader-allowed-names holds %(names)s. What was trusted before stays in this "
        "ConfigMap until it is deleted; kube-apiserver then writes it anew within seconds. Delete "
        "it once every master has the new files."
    )
    line = "kubectl get configmap extension-apiserver-authentication -n kube-system -o yaml"
    return Step(
        says=Sentence(text=text, params={"names": ", ".join(front_proxy.allowed_names)}),
        commands=command(line),
    )


def _check_available() -> Step:
    text = _n("Every APIService is available. A new state shows within half a minute.")
    return Step(says=Sentence(text=text), commands=command("kubectl get apiservices"))


def _check_passing() -> Step:
    text = _n(
        "Ask an aggregated API; metrics.k8s.io stands for one of yours. The first answer is a list "
        "of resources: a 401 means that the extension server does not accept the proxy client "
        "certificate. If the second is forbidden, it must name your own user, not the "
        "certificate's: otherwise the certificate is signed by the clients' CA."
    )
    lines = (
        "kubectl get --raw /apis/metrics.k8s.io/v1beta1",
        "kubectl get --raw '/apis/metrics.k8s.io/v1beta1/nodes?limit=1'",
    )
    return Step(says=Sentence(text=text), commands=commands(*lines))
