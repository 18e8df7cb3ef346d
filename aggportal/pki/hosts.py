"""cfssl's `hosts`: what each entry becomes as a subject alternative name.

The order is cfssl's: IP address, e-mail address, URI, else DNS name. In strict mode an entry that
cfssl would turn into something useless without a word (`host:port` becomes a URI) is refused, and
the refusal says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from aggportal.pki.errors import InvalidHost, PkiError, require_no_problems
from aggportal.pki.fields import unseen_characters
from aggportal.pki.gotexts import go_mail_address, go_request_uri
from aggportal.words import gettext_noop as _n

SanKind = Literal["dns", "email", "ip", "uri"]
SAN_ORDER: tuple[SanKind, ...] = ("dns", "email", "ip", "uri")

MAX_HOSTS = 100
MAX_HOST_LENGTH = 2048
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_HOST_AND_PORT = re.compile(r"(\[?[A-Za-z0-9.*:_-]+\]?):\d{1,5}", re.ASCII)
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})+", re.ASCII
)
_MAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_REFUSED_SCHEMES = frozenset(("javascript", "data", "file", "vbscript"))


@dataclass(frozen=True, kw_only=True, slots=True)
class San:
    """One subject alternative name; `value` is the text in the certificate (an IP canonical)."""

    kind: SanKind
    value: str


def classify_host(text: str, *, compat: bool = False, field: str = "") -> San:
    """Tell what `text` becomes. Raises `InvalidHost`.

    `compat` decides as cfssl does, whatever comes of it; else (strict) only names that a verifier
    can match pass.
    """
    _require_printable(text, field)
    san = _as_cfssl(text, field)
    if not compat:
        _require_useful(text, san, field)
    return san


def with_mails(sans: tuple[San, ...], mails: Sequence[str]) -> tuple[San, ...]:
    """Add the subject's e-mail addresses to the names (RFC 5280 section 4.1.2.6 wants them)."""
    found = (*sans, *(San(kind="email", value=mail) for mail in mails if is_mail(mail)))
    return tuple(sorted(dict.fromkeys(found), key=lambda san: SAN_ORDER.index(san.kind)))


def is_mail(text: str) -> bool:
    """Tell whether `text` is an e-mail address and nothing else."""
    try:
        return classify_host(text) == San(kind="email", value=text)
    except InvalidHost:
        return False


def classify_hosts(hosts: Sequence[str], *, compat: bool = False) -> tuple[San, ...]:
    """Classify all, in cfssl's order of kinds; strict mode drops repetitions.

    Raises `InvalidFields` with every problem under `hosts[i]`.
    """
    problems: list[PkiError] = []
    sans: list[San] = []
    if len(hosts) > MAX_HOSTS:
        words = _n(
            "%(count)d hosts are too many for one certificate; at most %(limit)d are accepted."
        )
        raise InvalidHost(words, field="hosts", count=len(hosts), limit=MAX_HOSTS)
    for i, text in enumerate(hosts):
        try:
            sans.append(classify_host(text, compat=compat, field=f"hosts[{i}]"))
        except InvalidHost as error:
            problems.append(error)
    require_no_problems(problems)
    ordered = sorted(sans, key=lambda san: SAN_ORDER.index(san.kind))
    return tuple(ordered if compat else dict.fromkeys(ordered))


def _as_cfssl(text: str, field: str) -> San:
    address = ip_text(text)
    if address:
        return San(kind="ip", value=address)
    mail = go_mail_address(text)
    if mail is not None:
        return San(kind="email", value=_ia5(mail, field))
    uri = go_request_uri(text)
    if uri is not None:
        return San(kind="uri", value=_ia5(uri, field))
    return San(kind="dns", value=_ia5(text, field))


def ip_text(text: str) -> str:
    """Return the one spelling of an IP address, read as Go's net.ParseIP does: no zone, an
    IPv4-mapped address as the IPv4 in it; empty for anything else.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            return ""
        return str(address.ipv4_mapped or address)
    return str(address)


def _require_printable(text: str, field: str) -> None:
    if not text:
        raise InvalidHost(_n("This host is empty."), field=field)
    if len(text) > MAX_HOST_LENGTH:
        words = _n("This host is longer than %(limit)d characters.")
        raise InvalidHost(words, field=field, limit=MAX_HOST_LENGTH)
    unseen = unseen_characters(text)
    if unseen:
        words = _n(
            "This host contains characters that cannot be seen (%(characters)s); remove them."
        )
        raise InvalidHost(words, field=field, characters=", ".join(unseen[:5]))


def _ia5(value: str, field: str) -> str:
    if value.isascii():
        return value
    words = _n(
        "%(host)s is not ASCII, and a certificate carries ASCII names only. Write %(a_label)s."
    )
    a_label = _a_label(value)
    if not a_label:
        words = _n("%(host)s is not ASCII, and a certificate carries ASCII names only.")
    raise InvalidHost(words, field=field, host=value, a_label=a_label)


def _a_label(value: str) -> str:
    """Return the name as DNS carries it (RFC 3490 as Python knows it); empty when there is no such
    form.
    """
    try:
        return value.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _require_useful(text: str, san: San, field: str) -> None:
    if text != text.strip() or (" " in text and san.kind != "email"):
        words = _n(
            "Remove the spaces: cfssl would silently put them into the certificate "
            "(%(kind)s:%(value)s)."
        )
        raise InvalidHost(words, field=field, kind=san.kind, value=repr(san.value))
    if "," in text and san.kind != "uri":
        raise InvalidHost(_n("Write one host per entry, without commas."), field=field)
    if san.kind == "uri":
        _require_useful_uri(text, field)
    elif san.kind == "email":
        _require_useful_mail(text, san.value, field)
    elif san.kind == "dns":
        require_dns_name(san.value, field=field)


def _require_useful_uri(text: str, field: str) -> None:
    port = _HOST_AND_PORT.fullmatch(text)
    if port:
        words = _n(
            "Leave out the port and write %(host)s: cfssl would silently make the URI %(uri)s of "
            "this, "
            "which no client compares with a host name."
        )
        raise InvalidHost(words, field=field, host=port[1].strip("[]"), uri=text)
    if text.startswith("/"):
        words = _n(
            "This is a path: cfssl would silently make a URI of it, which no client compares with "
            "anything."
        )
        raise InvalidHost(words, field=field)
    if not _URI.fullmatch(text) or not _has_host(text):
        words = _n(
            "This URI needs a scheme and a host, like spiffe://cluster.local/ns/default/sa/web."
        )
        raise InvalidHost(words, field=field)
    if text.partition(":")[0].lower() in _REFUSED_SCHEMES:
        raise InvalidHost(_n("A URI of this scheme names nobody."), field=field)


def _has_host(text: str) -> bool:
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


def _require_useful_mail(text: str, mail: str, field: str) -> None:
    local, _, domain = mail.rpartition("@")
    if text != mail:
        words = _n("Write the address alone, %(mail)s: cfssl would silently drop the rest.")
        raise InvalidHost(words, field=field, mail=mail)
    if not _MAIL.fullmatch(local) or len(local) > 64:
        raise InvalidHost(
            _n("This is not an e-mail address that a certificate can carry."), field=field
        )
    require_dns_name(domain, field=field, wildcard=False)


def require_dns_name(name: str, *, field: str, wildcard: bool = True) -> None:
    """Refuse what is no host name in letters, digits and hyphens (RFC 5280 section 4.2.1.6, RFC
    1034 3.5).
    """
    plain = name[2:] if wildcard and name.startswith("*.") else name
    refusal = _dns_refusal(name, plain)
    if refusal:
        raise InvalidHost(refusal, field=field, name=name)


def _dns_refusal(name: str, plain: str) -> str:
    if name.endswith("."):
        return _n(
            "Leave out the trailing dot of %(name)s: clients compare without it, so the name "
            "never matches."
        )
    if "/" in name:
        return _n(
            "%(name)s is a network or a path, not a host: cfssl would silently make a DNS name of "
            "it that "
            "never matches."
        )
    if "*" in plain:
        return _n(
            "In %(name)s the asterisk must be the whole left-most label, as in *.example.com."
        )
    if "_" in plain:
        return _n(
            "%(name)s contains an underscore, which host names and Kubernetes Services cannot have."
        )
    labels = plain.split(".")
    if len(plain) > 253 or any(len(label) > 63 for label in labels):
        return _n("%(name)s is too long: 63 characters per label and 253 in all are allowed.")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return _n(
            "%(name)s is not a host name: labels are letters, digits and inner hyphens. cfssl "
            "would silently "
            "make a DNS name of it that never matches."
        )
    if labels[-1].isdigit():
        return _n(
            "%(name)s looks like an IP address but is none: cfssl would silently make a DNS name "
            "of it."
        )
    return ""
