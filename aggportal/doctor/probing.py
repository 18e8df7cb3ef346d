"""One TLS handshake with the backend of an APIService, as kube-apiserver would begin it.

Only asked for on purpose (`Probe`), and nothing is sent but the handshake; what is not reachable
stays unknown. Directly: where the Service leads was written by somebody in the cluster, so the
addresses are checked by the policy of what this portal may connect to. Through kube-apiserver: to a
ready pod by `pods/portforward`, and the portal connects to nothing but kube-apiserver.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aggportal.doctor.evidence import Known, Probed, ServiceEvidence, Way
from aggportal.doctor.objects import Endpoint, ready_endpoints, service_ports, text_at
from aggportal.doctor.told import say
from aggportal.kube.apiservices import ServiceReference
from aggportal.kube.client import ApiClient
from aggportal.kube.egress import EgressPolicy, Resolve, resolve_permitted
from aggportal.kube.errors import KubeError, PermissionDenied
from aggportal.kube.permissions import AccessRule
from aggportal.kube.places import PodPort
from aggportal.kube.servers import Server
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

if TYPE_CHECKING:
    from aggportal.tls.connections import Limits

Chain = tuple[CertificateFacts, ...]
MOST_PLACES = 2
HIGHEST_PORT = 65535


class HandshakeTrouble(RefusedError):
    """No handshake came about, and why."""

    code = "handshake-trouble"

    def __init__(self, why: Sentence) -> None:
        super().__init__(why.text)
        self.sentence = why


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """That handshakes are wanted: where to the portal may connect, the seconds for each, and the
    `time.monotonic()` after which none begins. With `through` pods are reached by that API server.
    """

    egress: EgressPolicy
    through: ApiClient | None = None
    resolve: Resolve | None = None
    connect_seconds: float = 2.0
    seconds: float = 3.0
    ends_at: float = math.inf


_NOWHERE = _n("There is no address to connect to.")
_NO_POD = _n(
    "The Service has no ready pod on that port, and to anything else no port is forwarded."
)
_TOO_LATE = _n("The time for all questions together was over.")


def probe_backend(probe: Probe, reference: ServiceReference, behind: ServiceEvidence) -> Probed:
    """Shake hands with the first backend that answers; the name sent is the Service's."""
    if probe.through is not None:
        return _probe_pods(probe, probe.through, reference, behind)
    last = Probed(address="", trouble=say(_NOWHERE))
    for host, port in places_of(reference, behind)[:MOST_PLACES]:
        shake = functools.partial(_shake, probe, host, port, reference)
        last = _probed(probe, f"{host}:{port}", shake)
        if last.chain or time.monotonic() >= probe.ends_at:
            break
    return last


def _probe_pods(
    probe: Probe, client: ApiClient, reference: ServiceReference, behind: ServiceEvidence
) -> Probed:
    last = Probed(address="", way=Way.FORWARD, trouble=say(_NO_POD))
    for pod, port in pods_of(reference, behind)[:MOST_PLACES]:
        where = PodPort(namespace=reference.namespace, pod=pod, port=port)
        shake = functools.partial(_shake_through, probe, client, where, reference)
        last = _probed(probe, str(where), shake)
        if last.chain or last.rule or time.monotonic() >= probe.ends_at:
            break
    return last


def _probed(probe: Probe, address: str, shake: Callable[[], Chain]) -> Probed:
    """What came of one try, or why nothing did."""
    way = Way.DIRECT if probe.through is None else Way.FORWARD
    tried = Probed(address=address, way=way)
    if time.monotonic() >= probe.ends_at:
        return replace(tried, trouble=say(_TOO_LATE))
    try:
        return replace(tried, chain=shake())
    except PermissionDenied as denied:
        namespace = address.partition("/")[0]
        verb = "create" if "cannot create" in denied.message else "get"
        rule = AccessRule(verb=verb, resource="pods/portforward", namespace=namespace)
        return replace(tried, trouble=denied.sentence, rule=rule)
    except (KubeError, PkiError, HandshakeTrouble) as refused:
        return replace(tried, trouble=refused.sentence)


def places_of(reference: ServiceReference, behind: ServiceEvidence) -> tuple[tuple[str, int], ...]:
    """Where kube-apiserver's connection ends: the ready endpoints, or the external name."""
    if isinstance(behind.service, Known):
        service = behind.service.value
        if text_at(service, "spec", "type") == "ExternalName":
            host = text_at(service, "spec", "externalName")
            return ((host, reference.port),) if host and 0 < reference.port <= HIGHEST_PORT else ()
    return tuple((one.address, port) for one, port in _ready(reference, behind))


def pods_of(reference: ServiceReference, behind: ServiceEvidence) -> tuple[tuple[str, int], ...]:
    """The ready pods behind a Service, each with the port that it leads to."""
    return tuple((one.pod, port) for one, port in _ready(reference, behind) if one.pod)


def _ready(reference: ServiceReference, behind: ServiceEvidence) -> Iterator[tuple[Endpoint, int]]:
    if not (isinstance(behind.service, Known) and isinstance(behind.endpoints, Known)):
        return
    ports = service_ports(behind.service.value)
    named = next((port.name for port in ports if port.port == reference.port), None)
    for endpoint in ready_endpoints(behind.endpoints.value) if named is not None else ():
        number = endpoint.number_of(named or "")
        if number and number <= HIGHEST_PORT:
            yield endpoint, number


def _limits(probe: Probe) -> Limits:
    # OpenSSL is loaded by whoever shakes hands.
    from aggportal.tls.connections import Limits

    return Limits(connect=probe.connect_seconds, handshake=probe.seconds, quiet=0.01)


def _shake(probe: Probe, host: str, port: int, reference: ServiceReference) -> Chain:
    from aggportal.tls.errors import HandshakeFailed
    from aggportal.tls.handshakes import Endpoint as Place
    from aggportal.tls.handshakes import shake_hands

    addresses = resolve_permitted(
        Server(host=host, port=port),
        probe.egress,
        deadline_seconds=probe.connect_seconds,
        resolve=probe.resolve,
    )
    failure = say(_NOWHERE)
    deadline = time.monotonic() + probe.seconds
    for address in addresses[:MOST_PLACES]:
        place = Place(address=address, port=port, server_name=reference.tls_name)
        try:
            return _read(shake_hands(place, limits=_limits(probe), deadline=deadline).chain)
        except HandshakeFailed as failed:
            failure = failed.sentence
    raise HandshakeTrouble(failure)


def _shake_through(
    probe: Probe, client: ApiClient, where: PodPort, reference: ServiceReference
) -> Chain:
    from aggportal.tls.connections import Line
    from aggportal.tls.errors import HandshakeFailed
    from aggportal.tls.handshakes import shake_hands_on

    seconds = probe.connect_seconds + probe.seconds
    forward = client.forward(where, seconds=seconds)
    try:
        line = Line(forward, limits=_limits(probe), deadline=time.monotonic() + seconds)
        return _read(shake_hands_on(line, reference.tls_name).chain)
    except HandshakeFailed as failed:
        if not forward.trouble:
            raise HandshakeTrouble(failed.sentence) from failed
        text = _n("The node's kubelet could not connect to the pod: %(why)s")
        raise HandshakeTrouble(say(text, why=forward.trouble[:400])) from failed


def _read(chain: tuple[bytes, ...]) -> Chain:
    return tuple(fact for der in chain for fact in read_certificates(der))
