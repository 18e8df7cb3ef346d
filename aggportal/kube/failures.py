"""From exceptions of ssl, sockets and urllib3, and from answers that say no, to our own errors."""

from __future__ import annotations

import errno
import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

from aggportal.kube import errors
from aggportal.kube.errors import ApiError, FieldCause, KubeError, TimedOut, TlsFailure, Unreachable
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_MESSAGE = 500

# OpenSSL's X509_V_ERR_ numbers (openssl-verify, "Diagnostics").
_VERIFY_REASONS = {
    2: "unknown-authority",
    7: "unknown-authority",
    9: "not-yet-valid",
    10: "expired",
    18: "unknown-authority",
    19: "unknown-authority",
    20: "unknown-authority",
    21: "unknown-authority",
    62: "name-mismatch",
    64: "name-mismatch",
}
_TLS_WORDS: Mapping[str, tuple[str, Sentence | None]] = {
    "unknown-authority": (
        _n("%(host)s shows a certificate that the given CA did not sign."),
        Sentence(
            text=_n("Give the cluster's own CA; kubeconfigs hold it as certificate-authority-data.")
        ),
    ),
    "name-mismatch": (
        _n("The certificate of %(host)s is for another name."),
        Sentence(text=_n("Use an address that the certificate names, or set tls-server-name.")),
    ),
    "expired": (
        _n("The certificate of %(host)s has expired."),
        Sentence(
            text=_n("Renew the API server's serving certificate; check this machine's clock.")
        ),
    ),
    "not-yet-valid": (
        _n("The certificate of %(host)s is not valid yet."),
        Sentence(text=_n("Check the clocks of both machines.")),
    ),
    "client-certificate": (
        _n("%(host)s does not accept our client certificate."),
        Sentence(
            text=_n("It may have expired or come from another cluster: connect with a new one.")
        ),
    ),
    "not-tls": (
        _n("%(host)s does not speak TLS on this port."),
        Sentence(text=_n("Check the port; API servers usually listen on 6443 or 443.")),
    ),
    "other": (_n("The TLS connection to %(host)s failed."), None),
}
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN})
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})


def chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps, in whatever way it wraps them."""
    seen: set[int] = set()
    waiting: list[object] = [exc]
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting.extend(
            (getattr(each, "reason", None), *each.args, each.__cause__, each.__context__)
        )


def failed_to_connect(exc: BaseException) -> bool:
    """Whether nothing was sent yet, so that another address may be tried."""
    return any(isinstance(each, NewConnectionError | ConnectTimeoutError) for each in chain(exc))


def from_exception(exc: BaseException, *, host: str, seconds: float) -> KubeError:
    """Our error for a failed exchange with `host`, which had `seconds` to finish."""
    links = tuple(chain(exc))
    for each in links:
        if isinstance(each, ssl.SSLError) and not isinstance(each, TimeoutError | ssl.SSLEOFError):
            return _tls_failure(each, host=host)
    for each in links:
        if isinstance(each, ConnectionRefusedError):
            text = _n("%(host)s refuses the connection: nothing listens there.")
            return Unreachable(text, reason="refused", host=host)
        if isinstance(each, OSError) and each.errno in _NO_ROUTE:
            return Unreachable(_n("There is no route to %(host)s."), reason="no-route", host=host)
    if any(
        isinstance(each, TimeoutError | ReadTimeoutError | ConnectTimeoutError) for each in links
    ):
        return timed_out(host=host, seconds=seconds)
    return Unreachable(_n("%(host)s broke off the connection."), reason="dropped", host=host)


def timed_out(*, host: str, seconds: float) -> TimedOut:
    return TimedOut(
        _n("%(host)s did not finish its answer within %(seconds)d s."),
        host=host,
        seconds=max(1, round(seconds)),
    )


def _tls_failure(exc: ssl.SSLError, *, host: str) -> TlsFailure:
    word = (exc.reason or "").upper()
    if isinstance(exc, ssl.SSLCertVerificationError):
        reason = _VERIFY_REASONS.get(exc.verify_code, "other")
    elif word in _NOT_TLS:
        reason = "not-tls"
    elif "ALERT" in word and ("CERTIFICATE" in word or "UNKNOWN_CA" in word):
        reason = "client-certificate"
    else:
        reason = "other"
    text, remedy = _TLS_WORDS[reason]
    return TlsFailure(text, reason=reason, remedy=remedy, host=host)


_BY_STATUS: Mapping[int, tuple[type[ApiError], str]] = {
    401: (errors.Unauthorized, _n("The API server does not accept the credentials.")),
    403: (errors.PermissionDenied, _n("The API server does not allow this: %(message)s")),
    404: (errors.NotFound, _n("The API server does not know this: %(message)s")),
    409: (errors.Conflict, _n("The object changed or exists already: %(message)s")),
    410: (errors.Gone, _n("The API server no longer has this version of the list.")),
    429: (errors.ServerFailed, _n("The API server has too many requests at the moment.")),
}


def from_answer(status: int, body: bytes, *, host: str, secret: str | None = None) -> KubeError:
    """Our error for an HTTP answer of 300 and above; `body` may be cut off."""
    if 300 <= status < 400:
        return errors.Redirected(
            _n("%(host)s redirects to another address (HTTP %(status)d)."), host=host, status=status
        )
    doc = _status_object(body)
    if doc is None and body.lstrip()[:1] == b"<":
        return not_kubernetes(host=host)
    return from_status(doc or {}, status=status, body=body, secret=secret)


def from_status(
    doc: Mapping[str, Any], *, status: int, body: bytes = b"", secret: str | None = None
) -> ApiError:
    """Our error for a Kubernetes `Status` object, or for the plain text that came instead."""
    message = doc.get("message")
    shown = plain(message if isinstance(message, str) else body.decode("utf-8", "replace"), secret)
    reason = doc.get("reason")
    known: dict[str, Any] = {
        "status": status,
        "reason": reason if isinstance(reason, str) else "",
        "message": shown or f"HTTP {status}",
    }
    if "ResourceVersionTooLarge" in str(doc.get("details")) or "Too large resource" in shown:
        return errors.Gone(_BY_STATUS[410][1], **known)
    if status in _BY_STATUS:
        leaf, text = _BY_STATUS[status]
        return leaf(text, **known)
    if 400 <= status < 500:
        causes = _causes(doc, secret)
        return errors.Invalid(_n("The API server refuses it: %(message)s"), causes=causes, **known)
    return errors.ServerFailed(_n("The API server failed (HTTP %(status)d): %(message)s"), **known)


def not_kubernetes(*, host: str) -> errors.NotKubernetes:
    return errors.NotKubernetes(
        _n("%(host)s does not answer as a Kubernetes API server."), host=host
    )


def too_large(*, host: str, limit: int) -> errors.TooLarge:
    return errors.TooLarge(
        _n("%(host)s sent more than %(limit)d MB; the rest was not read."),
        host=host,
        limit=max(1, limit // 1_000_000),
    )


def plain(text: str, secret: str | None = None) -> str:
    """Foreign text fit to be kept: short, and without our own token should it be echoed."""
    text = without_secret(text, secret).strip()
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + "…"


def without_secret(text: str, secret: str | None) -> str:
    return text.replace(secret, "…") if secret else text


def _status_object(body: bytes) -> Mapping[str, Any] | None:
    try:
        doc = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return doc if isinstance(doc, dict) and doc.get("kind") == "Status" else None


def _causes(doc: Mapping[str, Any], secret: str | None) -> tuple[FieldCause, ...]:
    details = doc.get("details")
    listed = details.get("causes") if isinstance(details, dict) else None
    return tuple(
        FieldCause(
            field=str(each.get("field", ""))[:200],
            message=plain(str(each.get("message", "")), secret),
        )
        for each in (listed if isinstance(listed, list) else [])[:50]
        if isinstance(each, dict)
    )
