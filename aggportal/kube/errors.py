"""What can go wrong with a cluster, each with a sentence for a person and a remedy.

`KubeError` is the root. Below it stand three families: input that we refuse before anything is
asked of a cluster (`InvalidInput` and its leaves), failures of the way to the server
(`TransportError`), and answers of the server that say no (`ApiError`). Exceptions of `kubernetes`,
`urllib3` and `ssl` never leave `aggportal.kube`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n


class KubeError(RefusedError):
    """Root of the Kubernetes core's errors.

    `remedy` says what a person can do, or is None when the text says it.
    """

    code = "kube"
    usual_remedy: ClassVar[Sentence | None] = None

    def __init__(
        self, text: str, *, field: str = "", remedy: Sentence | None = None, **params: Any
    ) -> None:
        super().__init__(text, field=field, **params)
        self.remedy = remedy if remedy is not None else self.usual_remedy


class InvalidInput(KubeError):
    """A person's input cannot be used; `field` names it."""

    code = "invalid-input"


class InvalidConnection(InvalidInput):
    """Server, CA, token or certificate of a connection is malformed."""

    code = "invalid-connection"


class InvalidKubeconfig(InvalidInput):
    """The kubeconfig cannot be read. `line` and `column` count from 1, 0 when unknown."""

    code = "invalid-kubeconfig"

    def __init__(self, text: str, *, line: int = 0, column: int = 0, **params: Any) -> None:
        super().__init__(text, field="kubeconfig", line=line, column=column, **params)
        self.line = line
        self.column = column


class UnusableContext(InvalidInput):
    """A context of a kubeconfig would run or read things on our server, or lacks something."""

    code = "unusable-context"


class EgressDenied(InvalidInput):
    """The address leads where this portal must not connect to."""

    code = "egress-denied"
    usual_remedy = Sentence(
        text=_n(
            "Give the address of the cluster's API server, or ask the portal's operator to allow "
            "this network."
        )
    )


class InvalidRegistration(InvalidInput):
    """An APIService registration breaks a rule of the API or of ours."""

    code = "invalid-registration"


class InvalidRegistrations(InvalidInput):
    """Several rules at once; `problems` holds one error per field."""

    code = "invalid-registration"

    def __init__(self, problems: Sequence[InvalidRegistration]) -> None:
        super().__init__(
            _n("%(count)d values need a correction."), field=problems[0].field, count=len(problems)
        )
        self.problems = tuple(problems)


class TakeoverRefused(InvalidInput):
    """The change would take over or remove an API group that Kubernetes itself manages."""

    code = "takeover-refused"


class TransportError(KubeError):
    """No usable answer came from the server."""

    code = "transport"


class Unreachable(TransportError):
    """No connection. `reason`: refused, dns, no-route, dropped or other."""

    code = "unreachable"
    usual_remedy = Sentence(
        text=_n(
            "Check that the API server runs, and that this machine may reach its address and port."
        )
    )

    def __init__(self, text: str, *, reason: str, **params: Any) -> None:
        super().__init__(text, **params)
        self.reason = reason


class TimedOut(TransportError):
    """The server accepted or not, but did not finish answering in time."""

    code = "timed-out"
    usual_remedy = Sentence(
        text=_n(
            "Packets may be dropped by a firewall on the way, or the API server is overloaded; "
            "try again shortly."
        )
    )


class TlsFailure(TransportError):
    """TLS failed.

    `reason`: unknown-authority, name-mismatch, expired, not-yet-valid, client-certificate, not-tls
    or other.
    """

    code = "tls"

    def __init__(
        self, text: str, *, reason: str, remedy: Sentence | None = None, **params: Any
    ) -> None:
        super().__init__(text, remedy=remedy, **params)
        self.reason = reason


class NotKubernetes(TransportError):
    """What answered is no API server: HTML, no JSON, or JSON of another shape."""

    code = "not-kubernetes"
    usual_remedy = Sentence(
        text=_n(
            "Check the server address: it may lead to a login page, a proxy or another program."
        )
    )


class TooLarge(TransportError):
    """The answer passed the size limit and was cut off."""

    code = "too-large"
    usual_remedy = Sentence(
        text=_n("Check the server address: an API server does not answer this with so much data.")
    )


class Redirected(TransportError):
    """A redirect: never followed, so that credentials stay where they belong."""

    code = "redirected"
    usual_remedy = Sentence(
        text=_n(
            "Use the address of the API server itself, without a proxy or login page before it."
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldCause:
    """One field that the API server refused (Kubernetes `Status.details.causes[]`)."""

    field: str
    message: str


class ApiError(KubeError):
    """The API server said no.

    `status` is the HTTP code, `reason` Kubernetes' machine word, `message` its own text.
    """

    code = "api"

    def __init__(
        self, text: str, *, status: int, reason: str = "", message: str = "", **params: Any
    ) -> None:
        super().__init__(text, status=status, reason=reason, message=message, **params)
        self.status = status
        self.reason = reason
        self.message = message


class Unauthorized(ApiError):
    """401: the credentials are not accepted."""

    code = "unauthorized"
    usual_remedy = Sentence(
        text=_n(
            "The token or certificate may have expired or been withdrawn: connect with a new one."
        )
    )


class PermissionDenied(ApiError):
    """403: known, but not allowed."""

    code = "permission-denied"
    usual_remedy = Sentence(
        text=_n("Give this account the ClusterRole that the portal prints on the cluster's page.")
    )


class NotFound(ApiError):
    """404."""

    code = "not-found"


class Conflict(ApiError):
    """409: changed by someone else, or exists already."""

    code = "conflict"
    usual_remedy = Sentence(text=_n("Look at the present state and decide again."))


class Gone(ApiError):
    """410, or 504 ResourceVersionTooLarge: the resource version is not to be had; list again."""

    code = "gone"


class Invalid(ApiError):
    """422 or 400: the object breaks rules; `causes` names the fields."""

    code = "invalid-object"

    def __init__(
        self, text: str, *, status: int, causes: Sequence[FieldCause] = (), **params: Any
    ) -> None:
        super().__init__(text, status=status, **params)
        self.causes = tuple(causes)


class ServerFailed(ApiError):
    """5xx or 429: the server could not do it now."""

    code = "server-failed"
    usual_remedy = Sentence(
        text=_n("Try again shortly; if it stays, look at the API server's own log.")
    )
