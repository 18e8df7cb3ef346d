"""Where this portal may connect to, and the one place where its connections are opened.

The address of a cluster is typed by a person, so it may try to reach what only our machine can
reach: a cloud's metadata service, a neighbour's port. A name is resolved once, every answer is
checked, and the connection goes to a checked address, so a name that answers differently the second
time gains nothing. Private and loopback networks are allowed at first, since clusters live there.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aggportal.kube.errors import EgressDenied, TimedOut, Unreachable
from aggportal.kube.servers import Server
from aggportal.words import gettext_noop as _n

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

MAX_ANSWERS = 16


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


ALWAYS_DENIED = _networks(
    "0.0.0.0/8",  # this host on this network (RFC 791)
    "169.254.0.0/16",  # link-local, the metadata services of the clouds (RFC 3927)
    "100.100.100.200/32",  # metadata service of Alibaba Cloud
    "192.0.0.0/24",  # protocol assignments, Oracle Cloud's metadata (RFC 6890)
    "192.88.99.0/24",  # 6to4 relays (RFC 7526)
    "224.0.0.0/4",  # multicast (RFC 5771)
    "240.0.0.0/4",  # reserved and broadcast (RFC 1112)
    "::/128",  # unspecified
    "100::/64",  # discard (RFC 6666)
    "fe80::/10",  # link-local
    "fec0::/10",  # site-local, long gone (RFC 3879)
    "fd00:ec2::254/128",  # metadata service of AWS
    "fd20:ce::254/128",  # metadata service of Google Cloud
    "ff00::/8",  # multicast
)
PRIVATE = _networks(
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
    "198.18.0.0/15", "::1/128", "fc00::/7",
)  # fmt: skip
# The last one is SIIT, IPv4-translated (RFC 2765): `::ffff:0:127.0.0.1`.
_NAT64 = _networks("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")


@dataclass(frozen=True, kw_only=True, slots=True)
class EgressPolicy:
    """Networks that may be connected to.

    `allowed` None means every network that is not denied. `denied` adds to `ALWAYS_DENIED`, which
    nothing can open; pass `PRIVATE` there to be strict.
    """

    allowed: tuple[Network, ...] | None = None
    denied: tuple[Network, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether the address, and every address that it embeds, may be connected to."""
        return all(self._permits_one(each) for each in (address, *embedded(address)))

    def _permits_one(self, address: Address) -> bool:
        if _within(address, ALWAYS_DENIED) or _within(address, self.denied):
            return False
        return self.allowed is None or _within(address, self.allowed)


def embedded(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, compatible, 6to4, Teredo, NAT64,
    translated."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    found.extend(address.teredo or ())
    if _within(address, _NAT64) or (address in _IPV4_COMPATIBLE and int(address) > 1):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(each for each in found if each is not None)


def resolve_permitted(
    server: Server, policy: EgressPolicy, *, deadline_seconds: float, resolve: Resolve | None = None
) -> tuple[str, ...]:
    """The server's addresses in the resolver's order, all of them permitted.

    One answer outside the policy refuses the whole name (EgressDenied). Unreachable when the name
    has no address, TimedOut when the resolver takes too long.
    """
    try:
        answers: Sequence[str] = (str(ipaddress.ip_address(server.host)),)
    except ValueError:
        answers = _resolve_in_time(server, deadline_seconds, resolve or system_resolve)
    unique = tuple(dict.fromkeys(answers))[:MAX_ANSWERS]
    for text in unique:
        _require_permitted(text, policy, host=server.host)
    return unique


def system_resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says; OSError when it knows nothing."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]


def open_checked(addresses: Sequence[str], port: int, *, seconds: float) -> socket.socket:
    """Connect to the first of the checked addresses that takes a connection, by number: nothing is
    resolved again. `seconds` is the time for each. Raises OSError.
    """
    for index, address in enumerate(addresses):
        try:
            return socket.create_connection(_numeric(address, port), timeout=seconds)
        except OSError:
            if index == len(addresses) - 1:
                raise
    raise OSError("no address")


def open_datagrams(address: str, port: int, *, seconds: float) -> socket.socket:
    """Return a socket that sends datagrams to one checked address. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    out = socket.socket(family, socket.SOCK_DGRAM)
    try:
        out.settimeout(seconds)
        out.connect(_numeric(address, port))
    except OSError:
        out.close()
        raise
    return out


def _numeric(address: str, port: int) -> tuple[str, int]:
    """Refuse what would be resolved: only addresses come here. Raises OSError."""
    try:
        return str(ipaddress.ip_address(address)), port
    except ValueError as exc:
        raise OSError(f"{address!r} is no address") from exc


def _require_permitted(text: str, policy: EgressPolicy, *, host: str) -> None:
    try:
        permitted = "%" not in text and policy.permits(ipaddress.ip_address(text))
    except ValueError:
        permitted = False
    if not permitted:
        raise EgressDenied(
            _n("%(host)s leads to %(address)s, where the portal must not connect to."),
            field="server",
            host=host,
            address=text,
        )


def _resolve_in_time(server: Server, deadline_seconds: float, resolve: Resolve) -> Sequence[str]:
    """getaddrinfo knows no deadline, so it runs beside us and is left behind when it is late."""
    answers: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(resolve(server.host, server.port))
        except (OSError, UnicodeError) as exc:
            answers.put(exc if isinstance(exc, OSError) else OSError(str(exc)))

    threading.Thread(target=look_up, daemon=True, name="aggportal-resolve").start()
    try:
        answer = answers.get(timeout=deadline_seconds)
    except queue.Empty:
        raise TimedOut(
            _n("The name %(host)s was not resolved within %(seconds)d s."),
            field="server",
            host=server.host,
            seconds=round(deadline_seconds),
        ) from None
    if isinstance(answer, OSError) or not answer:
        raise Unreachable(
            _n("The name %(host)s has no address."), reason="dns", field="server", host=server.host
        ) from (answer if isinstance(answer, OSError) else None)
    return answer


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
