"""One TLS handshake with the backend of an APIService, as kube-apiserver would begin it.

Where the Service leads was written by somebody in the cluster: the addresses are checked by the
policy of what this portal may connect to, and nothing is sent but the handshake. Only asked for on
purpose (`Probe`); what is not reachable from here stays unknown.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from aggportal.doctor.evidence import Known, Probed, ServiceEvidence
from aggportal.doctor.objects import ready_endpoints, service_ports, text_at
from aggportal.doctor.told import say
from aggportal.kube.apiservices import ServiceReference
from aggportal.kube.egress import EgressPolicy, Resolve, resolve_permitted
from aggportal.kube.errors import KubeError
from aggportal.kube.servers import Server
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MOST_PLACES = 2
HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """That handshakes are wanted: where to the portal may connect, the seconds for each, and the
    `time.monotonic()` after which none begins.
    """

    egress: EgressPolicy
    resolve: Resolve | None = None
    connect_seconds: float = 2.0
    seconds: float = 3.0
    ends_at: float = math.inf


@dataclass(slots=True)
class _Tried:
    """The last place that was tried, and what was wrong there."""

    address: str = ""
    trouble: Sentence = field(default_factory=lambda: say(_n("There is no address to connect to.")))


def probe_backend(probe: Probe, reference: ServiceReference, behind: ServiceEvidence) -> Probed:
    """Shake hands with the first backend that answers; the name sent is the Service's."""
    tried = _Tried()
    for host, port in places_of(reference, behind)[:MOST_PLACES]:
        tried.address = f"{host}:{port}"
        if time.monotonic() >= probe.ends_at:
            tried.trouble = say(_n("The time for all questions together was over."))
            break
        try:
            chain = _shake(probe, host, port, reference.tls_name)
        except (KubeError, PkiError) as refused:
            tried.trouble = refused.sentence
            continue
        if isinstance(chain, Sentence):
            tried.trouble = chain
            continue
        return Probed(address=tried.address, chain=chain)
    return Probed(address=tried.address, trouble=tried.trouble)


def places_of(reference: ServiceReference, behind: ServiceEvidence) -> tuple[tuple[str, int], ...]:
    """Where kube-apiserver's connection ends: the ready endpoints, or the external name."""
    if not isinstance(behind.service, Known):
        return ()
    service = behind.service.value
    if text_at(service, "spec", "type") == "ExternalName":
        host = text_at(service, "spec", "externalName")
        return ((host, reference.port),) if host and 0 < reference.port <= HIGHEST_PORT else ()
    named = next((p.name for p in service_ports(service) if p.port == reference.port), None)
    if named is None or not isinstance(behind.endpoints, Known):
        return ()
    found = ((e.address, e.number_of(named)) for e in ready_endpoints(behind.endpoints.value))
    return tuple((address, port) for address, port in found if port and port <= HIGHEST_PORT)


def _shake(
    probe: Probe, host: str, port: int, name: str
) -> tuple[CertificateFacts, ...] | Sentence:
    # OpenSSL is loaded by whoever shakes hands.
    from aggportal.tls.connections import Limits
    from aggportal.tls.errors import HandshakeFailed
    from aggportal.tls.handshakes import Endpoint, shake_hands

    addresses = resolve_permitted(
        Server(host=host, port=port),
        probe.egress,
        deadline_seconds=probe.connect_seconds,
        resolve=probe.resolve,
    )
    limits = Limits(connect=probe.connect_seconds, handshake=probe.seconds, quiet=0.01)
    failure: Sentence = say(_n("There is no address to connect to."))
    deadline = time.monotonic() + probe.seconds
    for address in addresses[:MOST_PLACES]:
        endpoint = Endpoint(address=address, port=port, server_name=name)
        try:
            shaken = shake_hands(endpoint, limits=limits, deadline=deadline)
        except HandshakeFailed as failed:
            failure = failed.sentence
            continue
        return tuple(fact for der in shaken.chain for fact in read_certificates(der))
    return failure
