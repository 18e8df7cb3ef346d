"""Which names of certificates cover a host, as clients compare them.

RFC 6125 section 6.4: a wildcard stands for the whole left-most label and for nothing else, DNS
names are compared without case, a trailing dot says nothing, IP addresses are compared as
addresses. The CN counts for nobody any more (RFC 6125 section 6.4.4, Go since 1.15).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from aggportal.pki.errors import InvalidHost
from aggportal.pki.fields import unseen_characters
from aggportal.pki.hosts import ip_text
from aggportal.words import gettext_noop as _n

# What a name entry holds of a longer one; DNS names end at 253, so only URIs are cut.
MAX_VALUE = 500
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_PORT = re.compile(r"(\[[0-9a-f:.]+\]|[^:/\[\]]+):\d{1,5}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is looked for: a kind of name and every stored value of it that covers the host."""

    kind: str
    values: tuple[str, ...]


def stored_value(kind: str, value: str) -> str:
    """Return a name of a certificate in the form in which names are compared: lower case, without
    the trailing dot, an address in its one spelling, at most `MAX_VALUE` characters.
    """
    if kind == "ip":
        return ip_text(value) or value.lower()[:MAX_VALUE]
    text = value.lower()
    if kind == "dns" and text.endswith("."):
        text = text[:-1]
    return text[:MAX_VALUE]


def names_that_cover(host: str) -> Wanted:
    """Tell which stored names cover `host`: a DNS name, an IP address, an address with scheme or
    port, an e-mail address or a URI. `*.example.com` finds the wildcard itself.

    Raises `InvalidHost`.
    """
    text = host.strip()
    _require_readable(text)
    scheme, separator, _rest = text.partition("://")
    if separator:
        if scheme.lower() not in ("http", "https"):
            return Wanted(kind="uri", values=(stored_value("uri", text),))
        text = _host_of(text)
    elif "@" in text:
        return Wanted(kind="email", values=(stored_value("email", text),))
    port = _PORT.fullmatch(text)
    bare = (port[1] if port else text).strip("[]")
    address = ip_text(bare)
    if address:
        return Wanted(kind="ip", values=(address,))
    return Wanted(kind="dns", values=_dns_values(bare))


def covers(pattern: str, name: str) -> bool:
    """Tell whether a DNS name in a certificate covers `name`: equal, or `*` for its whole left-most
    label (RFC 6125).
    """
    pattern, name = pattern.lower(), name.lower()
    if pattern.startswith("*."):
        return "." in name and pattern[2:] == name.partition(".")[2]
    return pattern == name


def _require_readable(text: str) -> None:
    unseen = unseen_characters(text)
    if unseen:
        raise InvalidHost(
            _n("This host contains characters that cannot be seen (%(characters)s); remove them."),
            field="covers",
            characters=", ".join(unseen[:5]),
        )
    if not text:
        raise InvalidHost(_n("This host is empty."), field="covers")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _dns_values(host: str) -> tuple[str, ...]:
    name = _a_labels(host.removesuffix(".").lower())
    labels = name.split(".")
    plain = labels[1:] if labels[0] == "*" and len(labels) > 1 else labels
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in plain):
        raise InvalidHost(
            _n(
                "“%(host)s” is neither a host name nor an IP address. Write it as a client would, "
                "for example api.wardle.svc."
            ),
            field="covers",
            host=host,
        )
    if len(labels) == 1 or labels[0] == "*":
        return (name,)
    return (name, ".".join(("*", *labels[1:])))


def _a_labels(name: str) -> str:
    """Return the name as DNS and certificates carry it (RFC 3490 as Python knows it)."""
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name
