"""kube-apiserver's flags, where its pods can be read, against those that we render."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Iterator
from dataclasses import replace

from aggportal.doctor.drift.ours import Ours
from aggportal.doctor.drift.rows import Judged, Kind, Row, Stand, judged, unknown, unmanaged
from aggportal.doctor.evidence import Evidence, Known, Unread
from aggportal.doctor.findings import Deed, Remedy
from aggportal.doctor.masters import Server, servers_of
from aggportal.doctor.told import say
from aggportal.kube.flags import Flag, FlagsError, FrontProxy
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_ALL = "kube-apiserver --requestheader-… --proxy-client-…"
_WHAT = say(_n("Flags of kube-apiserver"))
_CA = "requestheader-client-ca-file"
_FILES = frozenset({_CA, "proxy-client-cert-file", "proxy-client-key-file"})
# These add up when they are given twice (pflag's string slices).
_LISTS = frozenset(
    {
        "requestheader-allowed-names",
        "requestheader-username-headers",
        "requestheader-group-headers",
        "requestheader-extra-headers-prefix",
    }
)
_LOOK = (
    "tr '\\0' '\\n' < /proc/$(pgrep -o kube-apiserver)/cmdline"
    " | grep -E 'requestheader|proxy-client'"
)


def flag_rows(evidence: Evidence, ours: Ours) -> Iterator[Row]:
    """One row for each flag and each value that it has, with the nodes that have it so."""
    read = evidence.server_pods
    pods = read.value if isinstance(read, Known) else ()
    servers = servers_of(pods)
    if ours.flags is None:
        yield _whole(unmanaged(_nothing(ours)))
    elif isinstance(read, Unread):
        yield _whole(unknown(read), command=_LOOK)
    elif not servers:
        yield _whole(unknown(_UNSEEN), command=_LOOK)
    else:
        for node_flags in _grouped(servers, ours.flags):
            yield _row(*node_flags)


def _grouped(
    servers: tuple[Server, ...], rendered: FrontProxy
) -> Iterator[tuple[Flag, tuple[str, ...], list[str]]]:
    """Each rendered flag, the values that it has, and the nodes where it has just these."""
    for index in range(len(rendered.flags)):
        nodes: dict[tuple[Flag, tuple[str, ...]], list[str]] = {}
        for server in servers:
            flag = _beside(server, rendered).flags[index]
            live = tuple(value for name, value in server.flags if name == f"--{flag.name}")
            nodes.setdefault((flag, live), []).append(server.node)
        yield from ((flag, live, found) for (flag, live), found in nodes.items())


def _beside(server: Server, rendered: FrontProxy) -> FrontProxy:
    """What we render for the folder that this master's CA lies in: the folder is free to choose."""
    folder = posixpath.dirname(server.values.get(f"--{_CA}", ""))
    try:
        return replace(rendered, directory=folder) if folder else rendered
    except FlagsError:
        return rendered


def _row(flag: Flag, live: tuple[str, ...], nodes: list[str]) -> Row:
    differences = tuple(_differences(flag, live))
    return Row(
        kind=Kind.FLAGS,
        stand=judged(differences).stand,
        what=say(_n("Flag of kube-apiserver on %(nodes)s"), nodes=", ".join(nodes[:12])),
        place=f"--{flag.name}",
        ours=(say("%(flag)s", flag=flag.argument),),
        live=tuple(say("%(flag)s", flag=f"--{flag.name}={value}") for value in live[:8]),
        said=differences,
        remedy=_mend(flag.argument) if differences else None,
    )


def _differences(flag: Flag, live: tuple[str, ...]) -> Iterator[Sentence]:
    if not live:
        yield say(_n("It is missing."))
        return
    if len(live) > 1:
        yield say(_n("It is given %(count)d times."), count=len(live))
    if flag.name not in _LISTS:
        if live[-1] != flag.value:
            yield say(_n("It is %(live)s, not %(ours)s."), live=live[-1], ours=flag.value)
            if flag.name in _FILES:
                yield _FILE
        return
    wanted = _parts(flag.value)
    found = [part for value in live for part in _parts(value)]
    yield from (say(_n("%(value)s is missing."), value=v) for v in wanted if v not in found)
    yield from (
        say(_n("%(value)s is there too, and is not ours."), value=value)
        for value in found[:20]
        if value not in wanted
    )


def _parts(value: str) -> list[str]:
    """A pflag string slice: one line of CSV."""
    try:
        return next(csv.reader([value]), [])
    except csv.Error:
        return value.split(",")


def _whole(verdict: Judged, *, command: str = "") -> Row:
    look = Remedy(sentence=_COMPARE, command=command)
    return Row(
        kind=Kind.FLAGS,
        stand=verdict.stand,
        what=_WHAT,
        place=_ALL,
        said=verdict.said,
        rule=verdict.rule,
        remedy=look if verdict.stand is Stand.UNKNOWN else None,
    )


def _nothing(ours: Ours) -> Sentence:
    if not ours.front_proxy:
        return say(
            _n(
                "No authority of this portal is known to be the cluster's front-proxy CA, so no "
                "flags are rendered for it."
            )
        )
    return say(_n("The front-proxy authority has issued no certificate that the flags could name."))


def _mend(argument: str) -> Remedy:
    return Remedy(sentence=_SET, command=argument, deed=Deed.FLAGS)


_UNSEEN = say(
    _n("No kube-apiserver runs as a pod that can be seen here, so its flags are not known.")
)
_COMPARE = say(_n("Compare by hand: on each master, print the flags that run."))
_SET = say(
    _n(
        "Give every kube-apiserver this flag, once; the page Flags renders it for each way of "
        "installing."
    )
)
_FILE = say(
    _n(
        "What lies in the file cannot be seen from here; the ConfigMap says which CA was read from "
        "it."
    )
)
