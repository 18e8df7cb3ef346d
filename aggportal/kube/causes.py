"""Why an APIService is not available: from Kubernetes' words to a cause and its mend.

The condition's message embeds pod addresses, so it changes without meaning; its class does not. The
texts are those of kube-aggregator's availability controllers (1.20 to 1.36), Go's crypto/x509 and
Go's net packages. `classify` reads a message or a proxied body, `explain` a whole condition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """`code` is stable and for programs; `sentence` says what happens, `remedy` what to do."""

    code: str
    sentence: Sentence
    remedy: Sentence | None = None


def _cause(code: str, sentence: str, remedy: str | None = None) -> Cause:
    return Cause(
        code=code,
        sentence=Sentence(text=sentence),
        remedy=None if remedy is None else Sentence(text=remedy),
    )


_UNKNOWN = _cause("other", _n("Kubernetes gives a cause that the portal does not know."))
_NOT_CHECKED = _cause(
    "not-checked",
    _n("The API server has not checked this APIService yet."),
    _n("Wait a minute; if it stays, look at the API server's own log."),
)

_BY_REASON = {
    "Local": _cause("local", _n("The API server serves this group itself; nothing is checked.")),
    "Passed": _cause("passed", _n("The extension API server answers its discovery.")),
    "ServiceNotFound": _cause(
        "service-not-found",
        _n("The Service that it names does not exist."),
        _n("Install the extension API server again, or delete this APIService."),
    ),
    "ServicePortError": _cause(
        "service-port",
        _n("The Service has no such port."),
        _n("Make the port of the APIService equal to a port of the Service (usually 443)."),
    ),
    "EndpointsNotFound": _cause(
        "endpoints-not-found",
        _n("The Service has no endpoints: its selector matches no pod."),
        _n("Compare the Service's selector with the pods' labels."),
    ),
    "MissingEndpoints": _cause(
        "no-ready-endpoints",
        _n("The Service has no ready endpoint on that port."),
        _n("Look why the pods are not ready, and compare the names of the ports."),
    ),
    "ServiceAccessError": _cause(
        "lister",
        _n("The API server could not look up the Service."),
        _n("Look at the API server's own health and log."),
    ),
    "EndpointsAccessError": _cause(
        "lister",
        _n("The API server could not look up the endpoints."),
        _n("Look at the API server's own health and log."),
    ),
}

_CA = _cause(
    "ca-mismatch",
    _n("The extension API server's certificate is not signed by the caBundle of this APIService."),
    _n("Set caBundle to the authority that signed the serving certificate."),
)
_SAN = _cause(
    "san",
    _n("The extension API server's certificate does not name its Service."),
    _n("Issue a serving certificate with the DNS name <service>.<namespace>.svc."),
)
_EXPIRED = _cause(
    "serving-expired",
    _n("The extension API server's certificate has expired or is not valid yet."),
    _n("Issue a new serving certificate and restart the backend; check the clocks."),
)
_SHA1 = _cause(
    "sha1",
    _n("A certificate in the chain is signed with SHA-1, which is no longer accepted."),
    _n("Issue the serving certificate again with SHA-256."),
)
_SAN_IP = _cause(
    "san-ip",
    _n("The certificate was checked for an IP address that it does not hold."),
    _n("Issue the serving certificate for the name that is dialled."),
)
_REJECTED = _cause(
    "proxy-cert-rejected",
    _n("The extension API server does not accept the proxy client certificate."),
    _n(
        "Check that it is signed by the front-proxy CA, has client auth, is not expired, and that "
        "its CN is among the allowed names."
    ),
)
_ANONYMOUS = _cause(
    "proxy-cert-missing",
    _n("The extension API server took the API server for somebody without rights."),
    _n(
        "Check that kube-apiserver presents a proxy client certificate signed by the front-proxy "
        "CA, and that the extension server's delegated authorization works."
    ),
)
_NOT_SERVED = _cause(
    "not-served",
    _n("The extension API server does not serve this group and version."),
    _n("Compare group and version with those of the backend; check where the Service leads."),
)
_REDIRECT = _cause(
    "redirect",
    _n("The backend answers with a redirect, which Kubernetes does not follow."),
    _n("Let the Service lead to the extension API server itself."),
)
_BACKEND = _cause(
    "backend-error",
    _n("The backend, or a mesh sidecar before it, fails."),
    _n("Look at the logs of the extension API server's pods."),
)
_PROXY = _cause(
    "http-proxy",
    _n("kube-apiserver sends this connection through an HTTP proxy."),
    _n("Add the service and pod networks and .svc to NO_PROXY of kube-apiserver."),
)
_REFUSED = _cause(
    "connection-refused",
    _n("Nothing listens on the backend's port."),
    _n("Check targetPort and the port that the pods listen on; a pod may be restarting."),
)
_NO_ROUTE = _cause(
    "no-route",
    _n("The network has no route to the backend."),
    _n("Check the node, the pod network and rules that reject."),
)
_DROPPED = _cause(
    "timeout",
    _n("Packets to the backend are dropped on the way."),
    _n(
        "Check firewalls and NetworkPolicies between control plane and pods. Without kube-proxy on "
        "the control plane set --enable-aggregator-routing=true."
    ),
)
_ROUTING = _cause(
    "routing-mode",
    _n("This type of Service cannot be routed in the API server's routing mode."),
    _n("Use a ClusterIP Service, or change --enable-aggregator-routing."),
)
_RESOLVER = _cause(
    "resolver",
    _n("The API server finds no endpoint or port for the Service."),
    _n("Check the Service's ports and its endpoints."),
)
_CONDITION = _cause(
    "condition",
    _n("The API server does not forward requests while the APIService is not available."),
)

# Order matters: a 401 may carry other words, a timeout may wrap an x509 text.
_BY_MESSAGE: tuple[tuple[re.Pattern[str], Cause], ...] = tuple(
    (re.compile(pattern), cause)
    for pattern, cause in (
        (r"x509: certificate signed by unknown authority", _CA),
        (r"relies on legacy Common Name|not valid for any names|is valid for .*, not ", _SAN),
        (r"has expired or is not yet valid", _EXPIRED),
        (r"insecure algorithm SHA1", _SHA1),
        (r"cannot validate certificate for \S+ because it doesn't contain any IP SANs", _SAN_IP),
        (r"bad status from \S+: 401", _REJECTED),
        (r"bad status from \S+: 403", _ANONYMOUS),
        (r"bad status from \S+: 404", _NOT_SERVED),
        (r"bad status from \S+: 3\d\d", _REDIRECT),
        (r"bad status from \S+: 5\d\d", _BACKEND),
        (r'"https://[^"]*": Forbidden$|proxyconnect|[ :]EOF$', _PROXY),
        (r"connection refused", _REFUSED),
        (r"no route to host", _NO_ROUTE),
        (
            r"i/o timeout|Client\.Timeout exceeded|context deadline exceeded|timed out waiting for"
            r"|request canceled",
            _DROPPED,
        ),
        (r'unsupported service type|ClusterIP "None"', _ROUTING),
        (r"no endpoints available|no service port", _RESOLVER),
        (r"service unavailable", _CONDITION),
    )
)
_LONGEST_MESSAGE = 8192


def classify(message: str) -> Cause:
    """The cause behind a discovery failure's text, or behind the body of a proxied answer."""
    text = message[:_LONGEST_MESSAGE].strip()
    return next((cause for pattern, cause in _BY_MESSAGE if pattern.search(text)), _UNKNOWN)


def explain(*, reason: str, message: str) -> Cause:
    """The cause behind an `Available` condition; an absent condition has neither word."""
    if not reason and not message:
        return _NOT_CHECKED
    return _BY_REASON.get(reason) or classify(message)
