"""What was read in a cluster, as values: the checks look at nothing else.

Everything in here came over a network from somebody else's server. Objects are kept as decoded
JSON and are read defensively by `objects`; what could not be read says why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aggportal.kube.apiservices import APIService
from aggportal.kube.client import Identity
from aggportal.kube.permissions import AccessRule
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence

T = TypeVar("T")
Json = Mapping[str, Any]
ServiceKey = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known(Generic[T]):
    """Something that was read, at `path`."""

    value: T
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """The API server says that there is no such thing at `path`."""

    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """Something that could not be read: why, and which permission would allow it."""

    path: str
    why: Sentence
    rule: AccessRule | None = None


Read = Known[T] | Absent | Unread


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovery:
    """The answer to `GET /apis/<group>/<version>` through the aggregator, as any client gets it.

    `status` is None where no answer came, and `trouble` says why. `milliseconds` until the answer.
    """

    path: str
    milliseconds: int
    status: int | None = None
    body: str = ""
    document: Json | None = None
    trouble: Sentence | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """The answer to a list of one resource with `limit=1`: the identity that the backend saw."""

    path: str
    status: int | None = None
    body: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceEvidence:
    """What stands behind an APIService: its Service, its endpoints, its namespace."""

    service: Read[Json]
    endpoints: Read[tuple[Json, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyClient:
    """The proxy client certificate that we issued for this cluster, with what is above it."""

    certificate: CertificateFacts
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Managed:
    """What the portal manages for this cluster; empty where nobody said."""

    front_proxy_cas: tuple[CertificateFacts, ...] = ()
    proxy_clients: tuple[ProxyClient, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One look at one cluster at `now`. `minor` is Kubernetes' 1.<minor>, None where unknown.

    Maps hold an entry for each APIService or Service that was asked about.
    """

    now: dt.datetime
    minor: int | None
    identity: Identity | None
    trust: Read[Json]
    apiservices: tuple[APIService, ...]
    services: Mapping[ServiceKey, ServiceEvidence]
    discoveries: Mapping[str, Discovery]
    lists: Mapping[str, Listed]
    namespaces: Read[tuple[Json, ...]]
    autoscalers: Read[tuple[Json, ...]]
    crds: Read[tuple[Json, ...]]
    server_pods: Read[tuple[Json, ...]]
    delegator: Read[Json]
    auth_reader: Read[Json]
    cluster_bindings: Read[tuple[Json, ...]]
    reader_bindings: Read[tuple[Json, ...]]
    freshness: Read[Mapping[str, str]]
    # How often each APIService turned within the last quarter of an hour.
    turns: Mapping[str, int] = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)

    @property
    def aggregated(self) -> tuple[APIService, ...]:
        """The APIServices that somebody registered for a Service."""
        return tuple(each for each in self.apiservices if not each.is_local)
