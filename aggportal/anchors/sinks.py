"""Where checkpoints go: each setting of AGGPORTAL_LEDGER_ANCHORS as something that takes a note.

The settings alone name them: an address that somebody with an account could choose would be a way
to write files or to call inside the network.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings

from aggportal.anchors import syslog
from aggportal.anchors.errors import BadAnchor, NotAnchored
from aggportal.clusters.models import Cluster
from aggportal.clusters.services.connections import client_for, egress_policy
from aggportal.kube.client import Timeouts
from aggportal.kube.errors import NotFound
from aggportal.notices.errors import BadAddress
from aggportal.notices.posting import post
from aggportal.notices.webhooks import Target, parse_target
from aggportal.words import gettext_noop as _n

# A ConfigMap holds a megabyte; the newest checkpoints prove all before them.
KEPT = 200
_IN_TIME = Timeouts(connect=3.0, total=8.0)


class Sink(Protocol):
    """A place for checkpoints. `name` shows it without what may be a secret."""

    @property
    def name(self) -> str: ...

    def take(self, note: str, *, now: dt.datetime) -> None:
        """Keep the note. Raises RefusedError where it could not be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSink:
    """A file that notes are appended to, on another disk or a mount that only appends."""

    path: Path

    @property
    def name(self) -> str:
        return f"file:{self.path}"

    def take(self, note: str, *, now: dt.datetime) -> None:
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
            descriptor = os.open(self.path, flags, 0o600)
            try:
                os.write(descriptor, f"{note}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise NotAnchored(
                _n("The file cannot be written: %(why)s."), why=exc.strerror or "unknown"
            ) from exc


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpSink:
    """An address that notes are posted to as text, such as a bucket's door or a witness."""

    target: Target = field(repr=False)

    @property
    def name(self) -> str:
        """Scheme, host and port; the rest may hold a secret and is told by its digest."""
        digest = hashlib.sha256(self.target.rest.encode()).hexdigest()[:8]
        return f"{self.target.shown} ({digest})"

    def take(self, note: str, *, now: dt.datetime) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "AggPortal"}
        post(self.target, note.encode(), headers, policy=egress_policy())


@dataclass(frozen=True, kw_only=True, slots=True)
class SyslogSink:
    """A syslog server: over UDP, which acknowledges nothing, or over TCP."""

    host: str
    port: int
    tcp: bool

    @property
    def name(self) -> str:
        return f"syslog{'+tcp' if self.tcp else ''}://{self.host}:{self.port}"

    def take(self, note: str, *, now: dt.datetime) -> None:
        line = syslog.line_of(note, now=now)
        syslog.send(line, self.host, self.port, tcp=self.tcp, policy=egress_policy())


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigMapSink:
    """A ConfigMap of a connected cluster, which must exist; the newest notes stand in it."""

    cluster: str
    namespace: str
    configmap: str

    @property
    def name(self) -> str:
        return f"configmap:{self.cluster}/{self.namespace}/{self.configmap}"

    def take(self, note: str, *, now: dt.datetime) -> None:
        cluster = Cluster.objects.filter(slug=self.cluster).select_related("sealed").first()
        if cluster is None:
            raise NotAnchored(_n("There is no cluster %(slug)s."), slug=self.cluster)
        client = client_for(cluster, timeouts=_IN_TIME)
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/{self.configmap}"
        try:
            found = dict(client.get_json(path))
            found["data"] = {"checkpoints": _with(found.get("data"), note)}
            client.replace(path, found)
        except NotFound as exc:
            raise NotAnchored(
                _n("There is no ConfigMap %(name)s in the namespace %(namespace)s: create it."),
                name=self.configmap,
                namespace=self.namespace,
            ) from exc


def _with(data: object, note: str) -> str:
    """The notes that are there and this one, the newest `KEPT`; each is two paragraphs."""
    text = str(data.get("checkpoints") or "") if isinstance(data, dict) else ""
    paragraphs = [part for part in f"{text.strip()}\n\n{note.strip()}".split("\n\n") if part]
    return "\n\n".join(paragraphs[-2 * KEPT :]) + "\n"


def configured_sinks() -> tuple[Sink, ...]:
    """What the settings name. Raises BadAnchor for what is none."""
    return tuple(parse_sink(text) for text in settings.LEDGER_ANCHORS)


def parse_sink(text: str) -> Sink:
    """Read one entry of AGGPORTAL_LEDGER_ANCHORS. Raises BadAnchor."""
    scheme, _, rest = text.strip().partition(":")
    match scheme:
        case "file":
            return _file(rest)
        case "https" | "http":
            return _http(text.strip())
        case "syslog" | "syslog+tcp":
            return _syslog(text.strip(), tcp=scheme == "syslog+tcp")
        case "configmap":
            return _configmap(rest.split("/"))
    raise BadAnchor(_n("An anchor begins with file:, https:, syslog:, syslog+tcp: or configmap:."))


def _file(rest: str) -> FileSink:
    path = Path(rest.removeprefix("//"))
    if not path.is_absolute():
        raise BadAnchor(_n("The path of a file: anchor must be absolute."))
    if path.resolve().is_relative_to(settings.DATABASE_DIR):
        raise BadAnchor(
            _n("A file: anchor must not lie beside the database: who changes one, changes both.")
        )
    return FileSink(path=path)


def _http(text: str) -> HttpSink:
    try:
        return HttpSink(target=parse_target(text))
    except BadAddress as exc:
        raise BadAnchor(_n("An anchor's address: %(why)s"), why=exc.sentence) from exc


def _syslog(text: str, *, tcp: bool) -> SyslogSink:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise BadAnchor(_n("A syslog: anchor is syslog://HOST:PORT.")) from exc
    if not host or parts.path.strip("/") or parts.query or parts.username:
        raise BadAnchor(_n("A syslog: anchor is syslog://HOST:PORT."))
    return SyslogSink(host=host, port=port or syslog.PORT, tcp=tcp)


def _configmap(parts: Sequence[str]) -> ConfigMapSink:
    if len(parts) != 3 or not all(parts):
        raise BadAnchor(_n("A configmap: anchor is configmap:CLUSTER/NAMESPACE/NAME."))
    return ConfigMapSink(cluster=parts[0], namespace=parts[1], configmap=parts[2])
