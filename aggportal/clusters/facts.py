"""From a raw APIService to the columns of its row: read once when it is written, never when it is shown."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggportal.clusters.models import Tls, WatchedAPIService
from aggportal.clusters.models.clusters import clean
from aggportal.kube.apiservices import APIService, parse_apiservice
from aggportal.pki.errors import PkiError
from aggportal.pki.reading import read_certificates

Raw = Mapping[str, Any]

_LONGEST_NAME = 320
# What fits PostgreSQL's integer; Kubernetes' own limits are far below.
_BIGGEST = 2**31 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a page shows of an APIService: when one of these differs, the page must follow.

    `ca_not_after` is the earliest end among the certificates of the caBundle.
    """

    uid: str
    group: str
    version: str
    service: str
    available: str
    reason: str
    message: str
    cause: str
    since: dt.datetime | None
    group_priority: int | None
    version_priority: int | None
    automanaged: str
    tls: str
    ca_subject: str = ""
    ca_not_after: dt.datetime | None = None
    ca_count: int = 0

    def columns(self) -> dict[str, Any]:
        """Return the values by column."""
        return {name: getattr(self, name) for name in self.__slots__}

    def differs_from(self, row: WatchedAPIService) -> bool:
        """Tell whether `row` shows something else."""
        return any(getattr(row, name) != value for name, value in self.columns().items())

    def turned_from(self, row: WatchedAPIService) -> bool:
        """Tell whether availability changed in meaning: status, reason, or class of the message."""
        before = (row.available, row.reason, row.cause)
        return before != (self.available, self.reason, self.cause)


def name_of(raw: Raw) -> str:
    """Return the object's name; empty where it is none that Kubernetes would give."""
    name = _metadata(raw).get("name")
    return clean(name, _LONGEST_NAME) if isinstance(name, str) and len(name) <= 253 else ""


def resource_version_of(raw: Raw) -> str:
    """Return metadata.resourceVersion, empty where it is no text."""
    value = _metadata(raw).get("resourceVersion")
    return clean(value, 64) if isinstance(value, str) else ""


def document_of(raw: Raw) -> str:
    """Return the object as JSON text, without metadata.managedFields, which nobody reads.

    ASCII alone: escapes keep what a database would refuse, such as NUL.
    """
    kept = {key: value for key, value in _metadata(raw).items() if key != "managedFields"}
    return json.dumps({**raw, "metadata": kept}, separators=(",", ":"))


def facts_of(raw: Raw) -> Facts:
    """Read a raw APIService; never raises."""
    found = parse_apiservice(raw)
    state = found.availability
    tls, subject, not_after, count = _tls(found)
    return Facts(
        uid=clean(found.uid, 64),
        group=clean(found.group or "", 255),
        version=clean(found.version or "", 64),
        service=_service(found),
        available=state.status,
        reason=clean(state.reason, 200),
        message=clean(state.message, 4096),
        cause=state.cause.code,
        since=state.since,
        group_priority=_number(found.group_priority_minimum),
        version_priority=_number(found.version_priority),
        automanaged=clean(found.automanaged or "", 64),
        tls=tls.value,
        ca_subject=subject,
        ca_not_after=not_after,
        ca_count=count,
    )


def _service(found: APIService) -> str:
    service = found.service
    return clean(f"{service.namespace}/{service.name}:{service.port}", 400) if service else ""


def _tls(found: APIService) -> tuple[Tls, str, dt.datetime | None, int]:
    """Kind of the check, and of the caBundle: subject of the first, earliest end, how many."""
    if found.is_local:
        return Tls.LOCAL, "", None, 0
    if found.insecure_skip_tls_verify:
        return Tls.INSECURE, "", None, 0
    if found.ca_bundle is None:
        unreadable = any("spec.caBundle" in str(odd) for odd in found.odd)
        return Tls.UNREADABLE if unreadable else Tls.SYSTEM, "", None, 0
    try:
        bundle = read_certificates(found.ca_bundle, field="spec.caBundle")
    except PkiError:
        return Tls.UNREADABLE, "", None, 0
    ends = min(each.not_after for each in bundle)
    return Tls.BUNDLE, clean(bundle[0].subject, 500), ends, len(bundle)


def _metadata(raw: Raw) -> Raw:
    metadata = raw.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _number(value: int | None) -> int | None:
    return value if value is not None and abs(value) <= _BIGGEST else None
