"""What a person types to have an endpoint looked at, in the one spelling that is connected to.

A host is read as the address of an API server is (`kube.servers`): `127.1`, `0x7f.1` and digits of
other scripts are refused, so that what is seen is what is checked and connected to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aggportal.kube.errors import InvalidConnection
from aggportal.kube.servers import is_dns_name, parse_server
from aggportal.tls.errors import InvalidName, InvalidTarget, PortRefused
from aggportal.words import gettext_noop as _n

MAX_TARGET = 2048
HIGHEST_PORT = 65535
# Each begins with TLS itself; where a protocol begins in the open (STARTTLS) nothing is scanned.
_SCHEMES = {"https": 443, "wss": 443, "tls": 443, "ldaps": 636}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where to connect: a lower-case DNS name, or an IP address without brackets; and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address rather than a name."""
        return is_address(self.host)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Ports that may be connected to: (first, last) pairs, both included."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, port: int) -> bool:
        return any(first <= port <= last for first, last in self.ranges)

    def __str__(self) -> str:
        return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in self.ranges)


def parse_ports(texts: Sequence[str]) -> Ports:
    """Read ports and ranges as in `443` and `1024-65535`. Raises ValueError."""
    ranges = []
    for text in texts:
        found = _PORTS.fullmatch(text.strip())
        first = int(found[1]) if found else 0
        last = int(found[2] or first) if found else 0
        if not 1 <= first <= last <= HIGHEST_PORT:
            raise ValueError(f"{text!r} is neither a port nor a range of ports")
        ranges.append((first, last))
    return Ports(ranges=tuple(ranges))


def require_port(target: Target, ports: Ports) -> None:
    """Refuse a port that is not among `ports`. Raises `PortRefused`."""
    if target.port not in ports:
        raise PortRefused(
            _n(
                "The portal does not connect to port %(port)d. Scanned are %(ports)s; the "
                "portal's operator chooses them."
            ),
            field="target",
            port=target.port,
            ports=str(ports),
        )


def is_address(text: str) -> bool:
    """Whether `text` is an IP address in its usual spelling, without brackets or a zone."""
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def parse_target(text: str) -> Target:
    """Read `host`, `host:port`, `[IPv6]:port` or a URL, whose path and query are left aside.

    Raises `InvalidTarget`.
    """
    text = text.strip()
    if not text or len(text) > MAX_TARGET:
        raise InvalidTarget(_n("Write a host, or host:port."), field="target")
    if is_address(text):
        return Target(host=str(ipaddress.ip_address(text)), port=443)
    scheme = _SCHEME.match(text)
    usual = _usual_port(scheme[1]) if scheme else 443
    rest = text[scheme.end() :] if scheme else text
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    try:
        server = parse_server(f"https://{authority}", field="target")
        named = urlsplit(f"https://{authority}").port is not None
    except InvalidConnection as refused:
        raise InvalidTarget(
            refused.sentence.text, field="target", **refused.sentence.params
        ) from refused
    return Target(host=server.host, port=server.port if named else usual)


def _usual_port(scheme: str) -> int:
    if scheme.lower() in _SCHEMES:
        return _SCHEMES[scheme.lower()]
    if scheme.lower() == "http":
        text = _n("http:// is spoken in the open, so there is no TLS to look at. Write https://.")
        raise InvalidTarget(text, field="target")
    text = _n("%(scheme)s:// is not scanned here. Write host:port if TLS begins at once there.")
    raise InvalidTarget(text, field="target", scheme=scheme)


def parse_name(text: str, *, field: str) -> str:
    """Read a DNS name or an IP address (brackets and a last dot are taken off).

    Raises `InvalidName`.
    """
    name = text.strip().lower().removesuffix(".")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if is_address(bare):
        return str(ipaddress.ip_address(bare))
    if is_dns_name(name):
        return name
    if "*" in name:
        words = _n("Write a name that somebody connects to; a wildcard stands in certificates.")
        raise InvalidName(words, field=field)
    words = _n("%(name)s is neither a DNS name nor an IP address in its usual spelling.")
    raise InvalidName(words, field=field, name=text.strip()[:100])
