"""What was read in a cluster, as values: the checks look at nothing else.

Everything in here came over a network from somebody else's server. Objects are kept as decoded
JSON and are read defensively by `objects`; what could not be read says why.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aggportal.kube.apiservices import APIService
from aggportal.kube.client import Identity
from aggportal.kube.permissions import AccessRule
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

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
NOT_ASKED = Unread(path="", why=Sentence(text=_n("This was not asked for.")))


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
    """The answer to a list of one resource with `limit=1`: the identity that the backend saw.

    kube-apiserver asks its own authorizer before it passes a request on. Of a 403 therefore
    `may_ask` says whether it let us through (None: not known), and `rule` what would.
    """

    path: str
    status: int | None = None
    body: str = ""
    may_ask: bool | None = None
    rule: AccessRule | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceEvidence:
    """What stands behind an APIService: its Service, the endpoints, the pods that it selects."""

    service: Read[Json]
    endpoints: Read[tuple[Json, ...]]
    pods: Read[tuple[Json, ...]] = NOT_ASKED


class Way(enum.StrEnum):
    """How a handshake with a backend comes about."""

    DIRECT = "direct"
    FORWARD = "pods/portforward"


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """What a TLS handshake with the backend at `address` showed: the chain as served, the server's
    own certificate first; or no chain, and `trouble` says why, `rule` which permission is missing.
    """

    address: str
    way: Way = Way.DIRECT
    chain: tuple[CertificateFacts, ...] = ()
    trouble: Sentence | None = None
    rule: AccessRule | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Injected:
    """The CA that cert-manager is to write into a caBundle: from which Secret, and its PEM."""

    source: str
    ca_pem: Read[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingSecret:
    """What is kept of a Secret that pods mount: never its private key.

    `chain` is what `tls.crt` holds, the server's own certificate first; `odd` says why it could not
    be read. Both are empty where there is no `tls.crt`. `ours` where the portal wrote it.
    """

    kind: str
    version: str
    chain: tuple[CertificateFacts, ...] = ()
    cas: tuple[CertificateFacts, ...] = ()
    odd: Sentence | None = None
    ours: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyClient:
    """The proxy client certificate that we issued for this cluster.

    `above` are the certificates between it and its root, as far as they are known here. `key_spki`
    is the SHA-256 of the public key (SubjectPublicKeyInfo, hex) of the private key that is kept
    for it, empty where none is.
    """

    certificate: CertificateFacts
    label: str
    above: tuple[CertificateFacts, ...] = ()
    key_spki: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Managed:
    """What the portal manages for this cluster; empty where nobody said.

    `retired_cas` are ours too, and ought to be trusted no longer.
    """

    front_proxy_cas: tuple[CertificateFacts, ...] = ()
    retired_cas: tuple[CertificateFacts, ...] = ()
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
    git_version: str = ""
    # ClusterRoles, and the Roles of kube-system.
    cluster_roles: Read[tuple[Json, ...]] = NOT_ASKED
    system_roles: Read[tuple[Json, ...]] = NOT_ASKED
    daemonsets: Read[tuple[Json, ...]] = NOT_ASKED
    # The nodes of the control plane, and any one node.
    control_nodes: Read[tuple[Json, ...]] = NOT_ASKED
    some_node: Read[tuple[Json, ...]] = NOT_ASKED
    # NetworkPolicies by namespace, of those with a Service behind an APIService.
    policies: Mapping[str, Read[tuple[Json, ...]]] = field(default_factory=dict)
    # PodDisruptionBudgets of the same namespaces.
    budgets: Mapping[str, Read[tuple[Json, ...]]] = field(default_factory=dict)
    # kube-apiserver's own counters by name, labels in it as they stand in /metrics.
    metrics: Read[Mapping[str, float]] = NOT_ASKED
    # The same of an earlier look, where there was one.
    earlier_metrics: Mapping[str, float] | None = None
    # By APIService; empty where nobody asked for a handshake, or for Secrets.
    probes: Mapping[str, Probed] = field(default_factory=dict)
    injected: Mapping[str, Injected] = field(default_factory=dict)
    # By namespace and name: the Secrets of the pods behind APIServices, where they may be read.
    secrets: Mapping[ServiceKey, Read[ServingSecret]] = field(default_factory=dict)
    # How often each APIService turned within the last quarter of an hour.
    turns: Mapping[str, int] = field(default_factory=dict)
    # Since when earlier looks found the discovery of an APIService stale.
    stale_since: Mapping[str, dt.datetime] = field(default_factory=dict)
    managed: Managed = field(default_factory=Managed)
    # What checks worked out of the above and need again; a changed copy begins anew.
    worked_out: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def aggregated(self) -> tuple[APIService, ...]:
        """The APIServices that somebody registered for a Service."""
        return tuple(each for each in self.apiservices if not each.is_local)
