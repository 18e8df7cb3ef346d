"""T12: the kube-apiservers themselves, as far as the cluster shows them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from aggportal.doctor.evidence import Evidence, Json, Known, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.objects import (
    list_at,
    name_of,
    text_at,
    texts_at,
)
from aggportal.doctor.registry import Found, Outcome, Passed, Unchecked, cluster_check
from aggportal.doctor.told import say
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

SERVER_PODS = "/api/v1/namespaces/kube-system/pods"
ROUTING = "--enable-aggregator-routing"
SEVEN = (
    "--requestheader-client-ca-file",
    "--requestheader-allowed-names",
    "--requestheader-username-headers",
    "--requestheader-group-headers",
    "--requestheader-extra-headers-prefix",
    "--proxy-client-cert-file",
    "--proxy-client-key-file",
)
UID_HEADERS = "--requestheader-uid-headers"
_OPTIONAL = (ROUTING, UID_HEADERS)
_MOST = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One kube-apiserver that runs as a pod: where, and its flags as (name, value) in order."""

    node: str
    flags: tuple[tuple[str, str], ...]

    @property
    def values(self) -> dict[str, str]:
        return dict(self.flags)


def routes(server: Server) -> bool:
    """Whether it dials endpoints itself: its flag without a value means that too."""
    return server.values.get(ROUTING, "false").lower() in {"", "1", "t", "true"}


def servers_of(pods: tuple[Json, ...]) -> tuple[Server, ...]:
    """The kube-apiservers among pods, by their containers."""
    found = []
    for pod in pods:
        for container in list_at(pod, "spec", "containers"):
            if text_at(container, "name") == "kube-apiserver":
                words = [*texts_at(container, "command"), *texts_at(container, "args")]
                node = text_at(pod, "spec", "nodeName") or name_of(pod)
                found.append(Server(node=node, flags=tuple(_flags(words))))
    return tuple(found)


@cluster_check(
    "T12",
    Severity.ERROR,
    _n("The kube-apiservers are set up alike"),
    reads=[SERVER_PODS],
)
def servers_are_alike(evidence: Evidence) -> Outcome:
    """Every kube-apiserver has all seven flags, once each, with the same values; of the optional
    ones all have the same, or none has any.
    """
    servers = servers_seen(evidence)
    if not isinstance(servers, tuple):
        return servers
    wrong = (*_lacking(servers), *_doubled(servers), *_differing(servers))
    if not wrong:
        nodes = ", ".join(server.node for server in servers[:_MOST])
        return Passed(evidence=(say("%(nodes)s", nodes=nodes),))
    return Found(
        sentence=wrong[0],
        evidence=wrong[:_MOST],
        remedy=Remedy(
            sentence=say(
                _n(
                    "Give every kube-apiserver the same seven flags, each once; the page Flags "
                    "renders them for the way that the cluster was installed."
                )
            ),
            deed=Deed.FLAGS,
        ),
    )


def servers_seen(evidence: Evidence) -> tuple[Server, ...] | Unread | Unchecked:
    if isinstance(evidence.server_pods, Unread):
        return evidence.server_pods
    pods = evidence.server_pods.value if isinstance(evidence.server_pods, Known) else ()
    return servers_of(pods) or Unchecked(
        sentence=say(
            _n("No kube-apiserver runs as a pod that can be seen here, so its flags are not known.")
        )
    )


def _flags(words: list[str]) -> Iterator[tuple[str, str]]:
    """Flags as `--name=value` or `--name value`; also inside one text for a shell."""
    single = [part for word in words for part in _split(word)]
    for at, word in enumerate(single):
        if not word.startswith("--"):
            continue
        name, equals, value = word.partition("=")
        if not equals and at + 1 < len(single) and not single[at + 1].startswith("-"):
            value = single[at + 1]
        yield name, value


def _split(word: str) -> list[str]:
    if " --" not in word:
        return [word]
    try:
        return shlex.split(word)
    except ValueError:
        return word.split()


def _lacking(servers: tuple[Server, ...]) -> Iterator[Sentence]:
    for server in servers:
        lacking = [flag for flag in SEVEN if flag not in server.values]
        if lacking:
            yield say(
                _n("kube-apiserver on %(node)s lacks %(flags)s."),
                node=server.node,
                flags=", ".join(lacking),
            )


def _doubled(servers: tuple[Server, ...]) -> Iterator[Sentence]:
    """Flags with lists add up when given twice; of the others the last one counts."""
    for server in servers:
        counted = Counter(name for name, _value in server.flags)
        twice = [flag for flag in (*SEVEN, *_OPTIONAL) if counted[flag] > 1]
        if twice:
            yield say(
                _n("kube-apiserver on %(node)s has %(flags)s more than once."),
                node=server.node,
                flags=", ".join(twice),
            )


def _differing(servers: tuple[Server, ...]) -> Iterator[Sentence]:
    for flag in (*SEVEN, *_OPTIONAL):
        values = {server.node: _value_of(server, flag) for server in servers}
        told = {value for value in values.values() if value is not None or flag in _OPTIONAL}
        if len(told) > 1:
            yield say(
                _n("The kube-apiservers differ in %(flag)s: %(values)s."),
                flag=flag,
                values="; ".join(
                    f"{node}: {'-' if value is None else value}"
                    for node, value in list(values.items())[:8]
                ),
            )


def _value_of(server: Server, flag: str) -> str | None:
    """Of the seven, those that lack one are told by themselves."""
    if flag == ROUTING:
        return "true" if routes(server) else "false"
    return server.values.get(flag)
