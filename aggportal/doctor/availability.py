"""A01 to A04 and A07: what the API server says of an APIService, and what stands behind it."""

from __future__ import annotations

import datetime as dt

from aggportal.doctor.commands import API_SERVER_LOG, kubectl, logs_of, of_apiservice
from aggportal.doctor.evidence import Absent, Evidence, Json, Known, ServiceEvidence, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.mending import mend, service_of
from aggportal.doctor.objects import (
    Endpoint,
    ServicePort,
    name_of,
    ready_endpoints,
    service_ports,
    text_at,
)
from aggportal.doctor.registry import (
    Found,
    Inapplicable,
    Outcome,
    Passed,
    service_check,
)
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APISERVICES_PATH, APIService, ServiceReference
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

SERVICES = "/api/v1/namespaces/<namespace>/services/<name>"
ENDPOINTS = "/apis/discovery.k8s.io/v1/namespaces/<namespace>/endpointslices"
PATIENCE = dt.timedelta(seconds=60)
MOST_TURNS = 2
_NO_SERVICE = _n("The Service is gone, so there is nothing to look at.")
_REINSTALL = _n(
    "Install the extension API server again, or delete the APIService that it left behind."
)


def behind_of(evidence: Evidence, each: APIService) -> tuple[ServiceReference, ServiceEvidence]:
    """The reference and what was read of it; only for aggregated APIServices."""
    reference = each.service or ServiceReference(namespace="", name="")
    nothing = Unread(path=SERVICES, why=say(_n("The Service was not asked for.")))
    return reference, evidence.services.get(
        (reference.namespace, reference.name),
        ServiceEvidence(service=nothing, endpoints=nothing),
    )


@service_check("A01", Severity.ERROR, _n("It is available"), reads=[APISERVICES_PATH])
def is_available(evidence: Evidence, each: APIService) -> Outcome:
    """The `Available` condition is True."""
    state = each.availability
    if state.status == "True":
        return Passed()
    cause = state.cause
    told = (say("%(reason)s: %(message)s", reason=state.reason, message=state.message),)
    return Found(
        sentence=cause.sentence,
        evidence=told if state.reason else (),
        remedy=mend(evidence, each, cause),
    )


@service_check("A02", Severity.WARNING, _n("It is evaluated"), reads=[APISERVICES_PATH])
def is_evaluated(evidence: Evidence, each: APIService) -> Outcome:
    """The condition is there, and not Unknown for longer than a minute."""
    state = each.availability
    since = state.since or each.created
    if state.status != "Unknown" or (since and evidence.now - since <= PATIENCE):
        return Passed()
    return Found(
        sentence=say(
            _n("The API server has not evaluated it since %(since)s UTC."),
            since=f"{since:%Y-%m-%d %H:%M}" if since else "?",
        ),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Look at kube-apiserver's log for the available controller. From 1.36 an "
                    "unreadable caBundle stops the evaluation."
                )
            ),
            command=API_SERVER_LOG,
        ),
    )


@service_check("A03", Severity.WARNING, _n("It does not flap"), reads=[APISERVICES_PATH])
def does_not_flap(evidence: Evidence, each: APIService) -> Outcome:
    """Fewer than three turns in a quarter of an hour."""
    turns = evidence.turns.get(each.name, 0)
    if turns <= MOST_TURNS:
        return Passed()
    return Found(
        sentence=say(
            _n("Its availability turned %(turns)d times within a quarter of an hour."), turns=turns
        ),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Replicas, or the API servers that look at them, disagree: compare the pods "
                    "one by one, and the network from each master."
                )
            ),
            command=logs_of(each, service_of(evidence, each)),
        ),
    )


@service_check(
    "A04", Severity.ERROR, _n("Its Service exists"), reads=[SERVICES, "/api/v1/namespaces"]
)
def service_exists(evidence: Evidence, each: APIService) -> Outcome:
    """The Service is there, and its namespace is not about to go."""
    reference, behind = behind_of(evidence, each)
    if isinstance(behind.service, Unread):
        return behind.service
    if isinstance(behind.service, Absent):
        return Found(
            sentence=say(
                _n("The Service %(service)s does not exist."),
                service=f"{reference.namespace}/{reference.name}",
            ),
            remedy=_gone(each),
        )
    if isinstance(evidence.namespaces, Unread):
        return evidence.namespaces
    spaces = evidence.namespaces.value if isinstance(evidence.namespaces, Known) else ()
    phases = {name_of(one): text_at(one, "status", "phase") for one in spaces}
    if phases.get(reference.namespace) != "Terminating":
        return Passed()
    return Found(
        sentence=say(
            _n("The namespace %(namespace)s of its Service is being deleted."),
            namespace=reference.namespace,
        ),
        remedy=_gone(each),
    )


def _gone(each: APIService) -> Remedy:
    return Remedy(
        sentence=say(_REINSTALL), command=of_apiservice(each), deed=Deed.DELETE_APISERVICE
    )


@service_check("A07", Severity.ERROR, _n("A backend is ready"), reads=[ENDPOINTS])
def a_backend_isready_behind(evidence: Evidence, each: APIService) -> Outcome:
    """An endpoint is ready on the port with the name that the Service gives it."""
    reference, behind = behind_of(evidence, each)
    ready = ready_behind(behind)
    if not isinstance(ready, tuple):
        return ready
    service = service_behind(behind)
    port = port_of(reference, service_ports(service.value)) if isinstance(service, Known) else None
    fitting = [one for one in ready if port is None or port.name in one.port_names]
    if fitting:
        return Passed(evidence=endpoints_told(tuple(fitting)))
    if ready and port is not None:
        names = sorted({name for one in ready for name in one.port_names})
        sentence = say(
            _n("Pods are ready, but none has a port named “%(name)s”; they have %(names)s."),
            name=port.name,
            names=", ".join(names) or "-",
        )
    else:
        sentence = say(_n("No pod behind the Service is ready."))
    return Found(
        sentence=sentence,
        evidence=endpoints_told(ready),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Look why the pods are not ready, and compare the Service's selector and port "
                    "names with theirs."
                )
            ),
            command=kubectl(
                "--namespace",
                reference.namespace,
                "get",
                "endpointslices",
                "--selector",
                f"kubernetes.io/service-name={reference.name}",
                "--output",
                "wide",
            ),
        ),
    )


def service_behind(behind: ServiceEvidence) -> Known[Json] | Inapplicable | Unread:
    if isinstance(behind.service, Absent):
        return Inapplicable(sentence=say(_NO_SERVICE))
    return behind.service


def ready_behind(behind: ServiceEvidence) -> tuple[Endpoint, ...] | Inapplicable | Unread:
    service = service_behind(behind)
    if not isinstance(service, Known):
        return service
    if text_at(service.value, "spec", "type") == "ExternalName":
        return Inapplicable(
            sentence=say(_n("A Service of type ExternalName has no endpoints in the cluster."))
        )
    match behind.endpoints:
        case Unread() as unread:
            return unread
        case Absent():
            return ()
        case Known(value=objects):
            return ready_endpoints(objects)
    return ()


def port_of(reference: ServiceReference, ports: tuple[ServicePort, ...]) -> ServicePort | None:
    return next((port for port in ports if port.port == reference.port), None)


def endpoints_told(ready: tuple[Endpoint, ...]) -> tuple[Sentence, ...]:
    return tuple(
        say("%(address)s %(node)s", address=one.address, node=one.node or "-") for one in ready[:8]
    )
