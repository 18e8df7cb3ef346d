"""Mail leaves as everything else does: to a checked address, resolved once.

Django's own backend, with the socket opened by the portal's one way out (`kube.egress`). TLS still
verifies the name that the settings say.
"""

from __future__ import annotations

import smtplib
import socket
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

from aggportal.clusters.services.connections import egress_policy
from aggportal.kube.egress import open_checked, resolve_permitted
from aggportal.kube.errors import KubeError
from aggportal.kube.servers import Server
from aggportal.notices.errors import DeliveryFailed


class _Checked(smtplib.SMTP):
    """SMTP over a socket to an address that the egress policy permits."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Raises DeliveryFailed where the policy, or the resolver, gives no address."""
        server = Server(host=host.lower(), port=port)
        try:
            addresses = resolve_permitted(server, egress_policy(), deadline_seconds=timeout)
        except KubeError as refused:
            sentence = refused.sentence
            params: dict[str, Any] = dict(sentence.params)
            raise DeliveryFailed(sentence.text, **params) from refused
        return open_checked(addresses, port, seconds=timeout)


class _CheckedTls(smtplib.SMTP_SSL, _Checked):
    """The same with TLS from the start: SMTP_SSL wraps the socket that comes from above it."""


class CheckedBackend(EmailBackend):
    """What AGGPORTAL_EMAIL_URL names: smtp://, submission:// or smtps://."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _CheckedTls if self.use_ssl else _Checked
