"""From a raw APIService to the columns of its row: read when written, never when shown."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggportal.clusters.models import Tls, WatchedAPIService
from aggportal.clusters.models.apiservices import LONGEST_NAME
from aggportal.kube.apiservices import APIService, parse_apiservice
from aggportal.pki.errors import PkiError
from aggportal.pki.reading import read_certificates
from aggportal.web.told import Told, storable, tell

Raw = Mapping[str, Any]

# A version, a dot and a DNS subdomain (RFC 1123); a little wider, since old servers were.
_NAME = re.compile(rf"[A-Za-z0-9._:-]{{1,{LONGEST_NAME}}}", re.ASCII)
_BIGGEST = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFacts:
    """How the backend's certificate is checked; of a caBundle the first subject, earliest end."""

    tls: str
    ca_subject: str = ""
    ca_count: int = 0
    ca_not_after: dt.datetime | None = None
    tls_trouble: Told | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a page shows of an APIService: when one of these differs, the page must follow."""

    uid: str
    group: str
    version: str
    service_namespace: str
    service_name: str
    service_port: int | None
    available: str
    reason: str
    message: str
    cause: str
    since: dt.datetime | None
    group_priority: int | None
    version_priority: int | None
    automanaged: str
    tls_facts: TlsFacts

    def columns(self) -> dict[str, Any]:
        """Return the values by column."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "tls_facts"}
        tls = {name: getattr(self.tls_facts, name) for name in self.tls_facts.__slots__}
        return own | tls

    def differs_from(self, row: WatchedAPIService) -> bool:
        """Tell whether `row` shows something else."""
        return any(getattr(row, name) != value for name, value in self.columns().items())

    def turned_from(self, row: WatchedAPIService) -> bool:
        """Tell whether availability changed in meaning: status, reason, class of the message."""
        before = (row.available, row.reason, row.cause)
        return before != (self.available, self.reason, self.cause)


def name_of(raw: Raw) -> str:
    """Return the object's name; empty where it is none that Kubernetes would give."""
    name = _metadata(raw).get("name")
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


def resource_version_of(raw: Raw) -> str:
    """Return metadata.resourceVersion, empty where it is no text."""
    value = _metadata(raw).get("resourceVersion")
    return _text(value, 64) if isinstance(value, str) else ""


def document_of(raw: Raw) -> dict[str, Any]:
    """Return the object fit to be stored, without metadata.managedFields, which nobody reads."""
    kept = {key: value for key, value in _metadata(raw).items() if key != "managedFields"}
    document: dict[str, Any] = storable({**raw, "metadata": kept})
    return document


def facts_of(raw: Raw) -> Facts:
    """Read a raw APIService; never raises."""
    found = parse_apiservice(raw)
    service, state = found.service, found.availability
    return Facts(
        uid=_text(found.uid, 64),
        group=_text(found.group),
        version=_text(found.version),
        service_namespace=_text(service.namespace) if service else "",
        # A Service without a name is odd, and still makes no local APIService of it.
        service_name=(_text(service.name) or "?") if service else "",
        service_port=_number(service.port) if service else None,
        available=state.status,
        reason=_text(state.reason),
        message=_text(state.message),
        cause=state.cause.code,
        since=state.since,
        group_priority=_number(found.group_priority_minimum),
        version_priority=_number(found.version_priority),
        automanaged=_text(found.automanaged, 64),
        tls_facts=_tls(found),
    )


def _tls(found: APIService) -> TlsFacts:
    if found.is_local:
        return TlsFacts(tls=Tls.NONE.value)
    if found.insecure_skip_tls_verify:
        return TlsFacts(tls=Tls.UNVERIFIED.value)
    if found.ca_bundle is None:
        odd = next((each for each in found.odd if "spec.caBundle" in str(each)), None)
        return TlsFacts(tls=Tls.BROKEN.value if odd else Tls.SYSTEM.value, tls_trouble=tell(odd))
    try:
        bundle = read_certificates(found.ca_bundle, field="spec.caBundle")
    except PkiError as refused:
        return TlsFacts(tls=Tls.BROKEN.value, tls_trouble=tell(refused.sentence))
    return TlsFacts(
        tls=Tls.BUNDLE.value,
        ca_subject=_text(bundle[0].subject),
        ca_count=len(bundle),
        ca_not_after=min(each.not_after for each in bundle),
    )


def _metadata(raw: Raw) -> Raw:
    metadata = raw.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _text(value: str | None, limit: int = 4096) -> str:
    return str(storable(value or ""))[:limit]


def _number(value: int | None) -> int | None:
    return value if value is not None and abs(value) <= _BIGGEST else None
