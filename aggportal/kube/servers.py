"""The address of an API server, in the one spelling that everybody reads alike.

`127.1`, `2130706433`, `0x7f000001` and digits of other scripts all lead somewhere for some
resolver; they are refused here, so that the host that a person sees is the host that is checked and
connected to.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from aggportal.kube.errors import InvalidConnection
from aggportal.words import gettext_noop as _n

MAX_URL = 2048
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Host (lower-case DNS name, or IP address without brackets), port, and path prefix.

    The path has no slash at its end.
    """

    host: str
    port: int
    path: str = ""

    @property
    def authority(self) -> str:
        """The host and port as in a URL and a Host header; IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"https://{self.authority}{self.path}"


def is_dns_name(text: str) -> bool:
    """Whether `text` is a lower-case ASCII DNS name (RFC 1123) and no number in disguise."""
    return (
        len(text) <= 253
        and _DNS_NAME.fullmatch(text) is not None
        and not _NUMBER.fullmatch(text.rsplit(".", 1)[-1])
    )


def parse_server(url: str, *, field: str = "server") -> Server:
    """The server of an `https://host[:port][/prefix]` URL; raises InvalidConnection."""
    if (
        not url.isascii()
        or not url.isprintable()
        or " " in url
        or "\\" in url
        or len(url) > MAX_URL
    ):
        raise InvalidConnection(
            _n("The address holds characters that do not belong there; write it in plain ASCII."),
            field=field,
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError as exc:
        raise InvalidConnection(_n("This is no address: %(url)s"), field=field, url=url) from exc
    _require_plain(url, field=field)
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or "/." in path:
        raise InvalidConnection(
            _n("The path of the address holds characters that do not belong there."), field=field
        )
    return Server(
        host=_host(host, field=field),
        port=443 if port is None else _port(port, field=field),
        path=path,
    )


def _require_plain(url: str, *, field: str) -> None:
    """https only, and neither user, query nor fragment."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidConnection(
            _n(
                "The address must begin with https:// and name a host: "
                "otherwise credentials would travel in the open."
            ),
            field=field,
        )
    if "@" in parts.netloc:
        raise InvalidConnection(
            _n("The address must not hold a user name or password."), field=field
        )
    if "?" in url or "#" in url:
        raise InvalidConnection(_n("The address must end after host, port and path."), field=field)


def _port(port: int, *, field: str) -> int:
    if not 1 <= port <= 65535:
        raise InvalidConnection(_n("The port must be between 1 and 65535."), field=field)
    return port


def _host(host: str, *, field: str) -> str:
    """An IP address in its usual spelling, or a DNS name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if is_dns_name(host):
            return host
        raise InvalidConnection(
            _n("The host %(host)s is neither a DNS name nor an IP address in its usual spelling."),
            field=field,
            host=host,
        ) from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise InvalidConnection(_n("The address must not name a network interface."), field=field)
    return str(address)
