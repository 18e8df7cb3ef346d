"""APIServices as they are found in a cluster (apiregistration.k8s.io/v1), read defensively.

A cluster may hold objects that no form would accept: written by older servers, by other tools, or
by somebody who means harm. `parse_apiservice` never raises; what is missing or of the wrong type
becomes None, with a sentence in `odd`.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from aggportal.kube.causes import Cause, explain
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

AUTOMANAGED_LABEL = "kube-aggregator.kubernetes.io/automanaged"
APISERVICES_PATH = "/apis/apiregistration.k8s.io/v1/apiservices"
MAX_TEXT = 4096

Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceReference:
    """The Service before the extension API server (`spec.service`)."""

    namespace: str
    name: str
    port: int = 443

    @property
    def tls_name(self) -> str:
        """The DNS name that kube-apiserver checks the serving certificate for."""
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One entry of `status.conditions`; `since` is `lastTransitionTime`."""

    type: str
    status: Status
    reason: str = ""
    message: str = ""
    since: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """The `Available` condition; without it the status is Unknown, as kubectl shows it."""

    status: Status = "Unknown"
    reason: str = ""
    message: str = ""
    since: dt.datetime | None = None

    @property
    def cause(self) -> Cause:
        return explain(reason=self.reason, message=self.message)

    @property
    def key(self) -> tuple[str, str, str]:
        """What must differ for a change to mean something: status, reason, class of the message."""
        return self.status, self.reason, self.cause.code


@dataclass(frozen=True, kw_only=True, slots=True)
class APIService:
    """One registration of an API group version. `service` None means that it is local."""

    name: str
    uid: str
    resource_version: str
    group: str | None
    version: str | None
    service: ServiceReference | None
    group_priority_minimum: int | None
    version_priority: int | None
    insecure_skip_tls_verify: bool
    ca_bundle: bytes | None
    conditions: tuple[Condition, ...]
    availability: Availability
    automanaged: str | None
    created: dt.datetime | None
    odd: tuple[Sentence, ...] = ()

    @property
    def is_local(self) -> bool:
        return self.service is None

    @property
    def group_version(self) -> str:
        """As in `apiVersion`: `group/version`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else str(self.version or "")


class _Reader:
    """Takes typed values out of an untyped object and remembers what was odd about it."""

    def __init__(self) -> None:
        self.odd: list[Sentence] = []

    def wrong(self, path: str) -> None:
        self.odd.append(
            Sentence(text=_n("%(path)s is missing or of the wrong type."), params={"path": path})
        )

    def mapping(self, value: object, path: str, *, required: bool = True) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        if required or value is not None:
            self.wrong(path)
        return {}

    def text(self, value: object, path: str, *, required: bool = True) -> str | None:
        if isinstance(value, str):
            return value[:MAX_TEXT]
        if required or value is not None:
            self.wrong(path)
        return None

    def number(self, value: object, path: str) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.wrong(path)
        return None

    def time(self, value: object, path: str) -> dt.datetime | None:
        """RFC 3339; a time without zone is taken as UTC."""
        if value is None:
            return None
        try:
            moment = dt.datetime.fromisoformat(cast(str, value))
            return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
        except (TypeError, ValueError, OverflowError):
            self.wrong(path)
            return None


def parse_apiservice(raw: object) -> APIService:
    """The APIService in a decoded JSON object; never raises, see `odd`."""
    read = _Reader()
    doc = read.mapping(raw, "object")
    metadata = read.mapping(doc.get("metadata"), "metadata")
    spec = read.mapping(doc.get("spec"), "spec")
    labels = read.mapping(metadata.get("labels"), "metadata.labels", required=False)
    insecure = spec.get("insecureSkipTLSVerify", False)
    if insecure is not None and not isinstance(insecure, bool):
        read.wrong("spec.insecureSkipTLSVerify")
    conditions = _conditions(read, doc.get("status"))
    automanaged = labels.get(AUTOMANAGED_LABEL)
    return APIService(
        name=read.text(metadata.get("name"), "metadata.name") or "",
        uid=read.text(metadata.get("uid"), "metadata.uid") or "",
        resource_version=read.text(metadata.get("resourceVersion"), "metadata.resourceVersion")
        or "",
        group=read.text(spec.get("group", ""), "spec.group"),
        version=read.text(spec.get("version"), "spec.version"),
        service=_service(read, spec.get("service")),
        group_priority_minimum=read.number(
            spec.get("groupPriorityMinimum"), "spec.groupPriorityMinimum"
        ),
        version_priority=read.number(spec.get("versionPriority"), "spec.versionPriority"),
        insecure_skip_tls_verify=insecure is True,
        ca_bundle=_ca_bundle(read, spec.get("caBundle")),
        conditions=conditions,
        availability=_availability(conditions),
        automanaged=automanaged if isinstance(automanaged, str) else None,
        created=read.time(metadata.get("creationTimestamp"), "metadata.creationTimestamp"),
        odd=tuple(read.odd),
    )


def _service(read: _Reader, value: object) -> ServiceReference | None:
    if value is None:
        return None
    doc = read.mapping(value, "spec.service")
    port = doc.get("port")
    return ServiceReference(
        namespace=read.text(doc.get("namespace"), "spec.service.namespace") or "",
        name=read.text(doc.get("name"), "spec.service.name") or "",
        port=443 if port is None else read.number(port, "spec.service.port") or 0,
    )


def _ca_bundle(read: _Reader, value: object) -> bytes | None:
    """The decoded bundle; Kubernetes does not check its content, so neither is it PEM for sure."""
    if not value:
        return None
    try:
        return base64.b64decode(cast(str, value), validate=True)
    except (TypeError, ValueError, binascii.Error):
        read.wrong("spec.caBundle")
        return None


def _conditions(read: _Reader, status: object) -> tuple[Condition, ...]:
    doc = read.mapping(status, "status", required=False)
    entries = doc.get("conditions")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        read.wrong("status.conditions")
        return ()
    return tuple(
        _condition(read, entry, f"status.conditions[{index}]")
        for index, entry in enumerate(entries[:100])
    )


def _condition(read: _Reader, entry: object, path: str) -> Condition:
    doc = read.mapping(entry, path)
    status = doc.get("status")
    if status not in ("True", "False", "Unknown"):
        read.wrong(f"{path}.status")
        status = "Unknown"
    return Condition(
        type=read.text(doc.get("type"), f"{path}.type") or "",
        status=cast(Status, status),
        reason=read.text(doc.get("reason"), f"{path}.reason", required=False) or "",
        message=read.text(doc.get("message"), f"{path}.message", required=False) or "",
        since=read.time(doc.get("lastTransitionTime"), f"{path}.lastTransitionTime"),
    )


def _availability(conditions: tuple[Condition, ...]) -> Availability:
    found = next((each for each in conditions if each.type == "Available"), None)
    if found is None:
        return Availability()
    return Availability(
        status=found.status, reason=found.reason, message=found.message, since=found.since
    )
