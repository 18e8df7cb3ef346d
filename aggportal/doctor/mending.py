"""From the cause behind a failure to what mends it: a deed of the portal, or a command."""

from __future__ import annotations

import json
from collections.abc import Callable

from aggportal.doctor.commands import (
    API_SERVER_LOG,
    logs_of,
    of_apiservice,
    of_service,
    patch_apiservice,
    raw,
)
from aggportal.doctor.evidence import Evidence, Json, Known
from aggportal.doctor.findings import Deed, Remedy
from aggportal.doctor.objects import service_ports
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.kube.causes import Cause
from aggportal.words import gettext_noop as _n

_ROUTING = "--enable-aggregator-routing=true"
# By the code of a cause (kube.causes).
_DEEDS = {
    "ca-mismatch": Deed.PATCH_BUNDLE,
    "san": Deed.ISSUE_SERVING,
    "san-ip": Deed.ISSUE_SERVING,
    "serving-expired": Deed.ISSUE_SERVING,
    "sha1": Deed.ISSUE_SERVING,
    "proxy-cert-rejected": Deed.ISSUE_PROXY,
    "proxy-cert-missing": Deed.ISSUE_PROXY,
    "service-not-found": Deed.DELETE_APISERVICE,
    "timeout": Deed.FLAGS,
    "routing-mode": Deed.FLAGS,
}
_HTTP_PROXY = (
    "kubectl --namespace kube-system get pods --selector component=kube-apiserver "
    "--output yaml | grep -i -A1 _proxy"
)


def mend(evidence: Evidence, each: APIService, cause: Cause) -> Remedy:
    """What to do about `cause` of an APIService that does not answer."""
    default = say(_n("Look at what the backend answers, and at its logs."))
    return Remedy(
        sentence=cause.remedy or default,
        command=_command(evidence, each, cause.code),
        deed=_DEEDS.get(cause.code),
    )


def service_of(evidence: Evidence, each: APIService) -> Json | None:
    """The Service of an APIService, None where it was not read."""
    reference = each.service
    behind = evidence.services.get((reference.namespace, reference.name)) if reference else None
    read = behind.service if behind else None
    return read.value if isinstance(read, Known) else None


def port_patch(each: APIService, service: Json | None) -> str:
    """Let the APIService name the port of its Service: 443 if that is one, else the first."""
    ports = [one.port for one in service_ports(service or {}) if one.port]
    port = ports[0] if ports and 443 not in ports else 443
    return patch_apiservice(each, json.dumps({"spec": {"service": {"port": port}}}))


def _command(evidence: Evidence, each: APIService, code: str) -> str:
    service = service_of(evidence, each)
    commands: dict[str, Callable[[], str]] = {
        "service-not-found": lambda: of_apiservice(each),
        "service-port": lambda: port_patch(each, service),
        "endpoints-not-found": lambda: of_service(each),
        "no-ready-endpoints": lambda: of_service(each),
        "resolver": lambda: of_service(each),
        "redirect": lambda: of_service(each),
        "not-served": lambda: of_apiservice(each),
        "connection-refused": lambda: logs_of(each, service),
        "backend-error": lambda: logs_of(each, service),
        "no-route": lambda: of_service(each),
        "timeout": lambda: _ROUTING,
        "routing-mode": lambda: of_service(each),
        "http-proxy": lambda: _HTTP_PROXY,
        "lister": lambda: API_SERVER_LOG,
        "not-checked": lambda: API_SERVER_LOG,
    }
    if code in commands:
        return commands[code]()
    return "" if code in _DEEDS else raw(_path(each))


def _path(each: APIService) -> str:
    return f"/apis/{each.group}/{each.version}" if each.group else f"/api/{each.version}"
