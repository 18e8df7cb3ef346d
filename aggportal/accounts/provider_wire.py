"""Requests to the provider of single sign-on, as django-allauth makes them with `requests`.

Names are resolved once, every address is checked, and the connection goes to a checked one. No
redirect is followed, no proxy of the environment used, and each request has a deadline and a limit.
"""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from aggportal.kube.egress import EgressPolicy, open_checked, resolve_permitted
from aggportal.kube.errors import KubeError
from aggportal.kube.servers import Server, parse_server

SECONDS = 8.0
CONNECT_SECONDS = 3.0
MAX_BODY = 1_000_000
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ProviderTrouble(requests.RequestException):
    """The provider was not reached, or did not answer as it should. The text is for the log."""


def require_https(url: str) -> None:
    """Refuse an address that is not HTTPS; on loopback, where nobody listens, HTTP will do."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or plain) or not parts.hostname:
        raise ProviderTrouble(f"{url[:200]!r} is no https:// address")


def open_session() -> requests.Session:
    """Return what allauth sends its requests with."""
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", _Transport())
    session.mount("http://", _Transport())
    return session


class _Transport(BaseAdapter):
    def send(  # type: ignore[override]  # the deadline is ours, whatever a caller says
        self, request: requests.PreparedRequest, **options: object
    ) -> requests.Response:
        url = str(request.url)
        require_https(url)
        try:
            return _exchange(url, request)
        except KubeError as exc:
            raise ProviderTrouble(str(exc)) from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            if isinstance(exc, ProviderTrouble):
                raise
            raise ProviderTrouble(f"{urlsplit(url).hostname}: {type(exc).__name__}") from exc

    def close(self) -> None:
        """Nothing is kept open."""


def _exchange(url: str, request: requests.PreparedRequest) -> requests.Response:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    named = parse_server(f"https://{parts.netloc}")
    server = Server(host=named.host, port=parts.port or (443 if tls else 80))
    addresses = resolve_permitted(server, egress_policy(), deadline_seconds=CONNECT_SECONDS)
    connection = _Connection(server, addresses, tls=tls)
    timer = threading.Timer(SECONDS, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        rest = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        headers = {**request.headers, "Accept-Encoding": "identity", "User-Agent": "aggportal"}
        body = request.body if isinstance(request.body, bytes | str) else None
        connection.request(str(request.method), rest, body=body, headers=headers)
        return _answer(connection.getresponse(), request, url)
    finally:
        timer.cancel()
        connection.close()


def _answer(
    raw: http.client.HTTPResponse, request: requests.PreparedRequest, url: str
) -> requests.Response:
    if 300 <= raw.status < 400:
        raise ProviderTrouble(f"{urlsplit(url).hostname} redirects, which is not followed")
    body = raw.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise ProviderTrouble(f"{urlsplit(url).hostname} answers with more than {MAX_BODY} bytes")
    answer = requests.Response()
    answer.status_code = raw.status
    answer.reason = raw.reason
    answer.headers = CaseInsensitiveDict(raw.getheaders())
    answer._content = body  # as BaseAdapters of others fill it
    answer.encoding = "utf-8"
    answer.url = url
    answer.request = request
    return answer


class _Connection(http.client.HTTPConnection):
    def __init__(self, server: Server, addresses: Sequence[str], *, tls: bool) -> None:
        super().__init__(server.host, server.port, timeout=CONNECT_SECONDS)
        self.default_port = 443 if tls else 80
        self._addresses = addresses
        self._context = _tls_context() if tls else None

    def connect(self) -> None:
        self.sock = open_checked(self._addresses, self.port, seconds=CONNECT_SECONDS)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.settimeout(SECONDS)

    def cut(self) -> None:
        """End the exchange now; whoever waits for the socket wakes with an error."""
        try:
            if self.sock is not None:
                self.sock.shutdown(2)
        except OSError:
            return


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=settings.OIDC_CA or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def egress_policy() -> EgressPolicy:
    """Return where the settings let the portal connect to."""
    return EgressPolicy(
        allowed=tuple(ipaddress.ip_network(text.strip()) for text in settings.EGRESS_ALLOW) or None,
        denied=tuple(ipaddress.ip_network(text.strip()) for text in settings.EGRESS_DENY),
    )
