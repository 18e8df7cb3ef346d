"""One HTTP POST to an address that a person typed.

The name is resolved once, every answer is checked, and the connection goes to a checked address.
No redirect is followed, no proxy of the environment used, nothing of the answer's body kept, and
the whole takes no longer than it may.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping

from aggportal.kube.egress import EgressPolicy, open_checked, resolve_permitted
from aggportal.notices.errors import DeliveryFailed
from aggportal.notices.webhooks import Target
from aggportal.words import gettext_noop as _n

SECONDS = 8.0
CONNECT_SECONDS = 3.0


def post(
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    policy: EgressPolicy,
    ca_pem: str = "",
    seconds: float = SECONDS,
) -> None:
    """Send `body`; a 2xx answer is success, anything else raises DeliveryFailed, or EgressDenied.

    `ca_pem` are the only authorities that are trusted, or empty for the system's.
    """
    deadline = time.monotonic() + seconds
    addresses = resolve_permitted(target.server, policy, deadline_seconds=CONNECT_SECONDS)
    connection = _Connection(target, addresses, ca_pem=ca_pem)
    timer = threading.Timer(max(deadline - time.monotonic(), 0.1), connection.cut)
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", target.rest, body=body, headers=dict(headers))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise _failure(exc, target, was_cut=connection.was_cut, seconds=seconds) from exc
    finally:
        timer.cancel()
        connection.close()
    if not 200 <= status < 300:
        raise _refusal(status, target)


def tls_context(ca_pem: str) -> ssl.SSLContext:
    """Return how the other side is verified. `ssl.SSLError`, ValueError or, for what is not ASCII,
    TypeError where `ca_pem` is no PEM.
    """
    context = ssl.create_default_context(cadata=ca_pem or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_pem:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class _Connection(http.client.HTTPConnection):
    """Connects to the given addresses in turn, and can be cut from another thread."""

    def __init__(self, target: Target, addresses: tuple[str, ...], *, ca_pem: str) -> None:
        super().__init__(target.server.host, target.server.port, timeout=CONNECT_SECONDS)
        # What http.client writes into the Host header beside the host.
        self.default_port = 443 if target.tls else 80
        self.was_cut = False
        self._addresses = addresses
        self._context = tls_context(ca_pem) if target.tls else None
        self._plain: socket.socket | None = None

    def connect(self) -> None:
        self.sock = self._plain = open_checked(self._addresses, self.port, seconds=CONNECT_SECONDS)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self._plain, server_hostname=self.host)
        self.sock.settimeout(SECONDS)

    def cut(self) -> None:
        """End the exchange now; whoever waits for the socket wakes with an error."""
        self.was_cut = True
        for sock in (self._plain, self.sock):
            try:
                if sock is not None:
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                continue


def _failure(exc: Exception, target: Target, *, was_cut: bool, seconds: float) -> DeliveryFailed:
    host = target.shown
    if was_cut or isinstance(exc, TimeoutError):
        return DeliveryFailed(
            _n("%(host)s did not answer within %(seconds)d s."), host=host, seconds=round(seconds)
        )
    if isinstance(exc, ssl.SSLCertVerificationError):
        return DeliveryFailed(
            _n("The certificate of %(host)s is not trusted: %(why)s."),
            host=host,
            why=exc.verify_message,
        )
    if isinstance(exc, ssl.SSLError):
        return DeliveryFailed(_n("%(host)s does not speak TLS as it should."), host=host)
    if isinstance(exc, ConnectionRefusedError):
        return DeliveryFailed(_n("%(host)s refuses connections."), host=host)
    return DeliveryFailed(_n("%(host)s broke off, or speaks no HTTP."), host=host)


def _refusal(status: int, target: Target) -> DeliveryFailed:
    if 300 <= status < 400:
        return DeliveryFailed(
            _n("%(host)s redirects (%(status)d), which is not followed: enter the final address."),
            host=target.shown,
            status=status,
        )
    return DeliveryFailed(
        _n("%(host)s answered with status %(status)d."), host=target.shown, status=status
    )
