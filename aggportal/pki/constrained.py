"""Whether names lie within name constraints: RFC 5280 section 4.2.1.10, and 6.1.4 for the chain.

Departures are towards caution: a wildcard that could stand for an excluded name is outside too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from aggportal.pki.constraints import directory_name
from aggportal.pki.errors import NameConstrained, PkiError, require_no_problems
from aggportal.pki.facts import LIBRARY_ERRORS
from aggportal.pki.hosts import San
from aggportal.pki.names import format_subject
from aggportal.pki.subtrees import LABELS, ConstraintKind, NameConstraint, NameConstraints
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """A name of a certificate, its kind as in `NameConstraint`; `name` is set for kind dn."""

    kind: ConstraintKind
    value: str
    name: x509.Name | None = None

    def __str__(self) -> str:
        return f"{LABELS[self.kind]}:{self.value}"


def names_planned(subject: x509.Name, sans: Iterable[San]) -> tuple[Bearer, ...]:
    """Return what constraints are held against in a certificate to be."""
    found = [Bearer(kind=san.kind, value=san.value) for san in sans]
    return (*_of_subject(subject, found), *found)


def names_borne(certificate: x509.Certificate) -> tuple[Bearer, ...]:
    """Return what constraints are held against. Raises any of `LIBRARY_ERRORS`."""
    try:
        sans = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        sans = x509.SubjectAlternativeName([])
    found = [bearer for name in sans if (bearer := _bearer(name))]
    return (*_of_subject(certificate.subject, found), *found)


def _of_subject(subject: x509.Name, sans: Sequence[Bearer]) -> Iterator[Bearer]:
    """The subject itself, unless empty; its e-mail addresses count where no SAN is one."""
    if list(subject):
        yield Bearer(kind="dn", value=format_subject(subject), name=subject)
    if not any(san.kind == "email" for san in sans):
        for attribute in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
            yield Bearer(kind="email", value=str(attribute.value))


def _bearer(name: x509.GeneralName) -> Bearer | None:
    match name:
        case x509.DNSName():
            return Bearer(kind="dns", value=name.value)
        case x509.IPAddress():
            return Bearer(kind="ip", value=str(name.value))
        case x509.RFC822Name():
            return Bearer(kind="email", value=name.value)
        case x509.UniformResourceIdentifier():
            return Bearer(kind="uri", value=name.value)
        case x509.DirectoryName():
            return Bearer(kind="dn", value=format_subject(name.value), name=name.value)
    return None


def violations(constraints: NameConstraints, names: Sequence[Bearer]) -> Iterator[PkiError]:
    """Yield a `NameConstrained` for each name outside `constraints`."""
    for name in names:
        excluded = next((c for c in constraints.excluded if _touches(c, name)), None)
        if excluded:
            words = _n(
                "The authority, or one above it, may name nothing under %(constraint)s, and "
                "%(name)s is: every verifier would refuse the certificate."
            )
            yield NameConstrained(
                words, field=_FIELDS[name.kind], constraint=str(excluded), name=str(name)
            )
            continue
        permitted = [c for c in constraints.permitted if c.kind == name.kind]
        if permitted and not any(_holds(c, name) for c in permitted):
            words = _n(
                "The authority, or one above it, may name only what is under %(constraints)s, and "
                "%(name)s is not: every verifier would refuse the certificate."
            )
            yield NameConstrained(
                words,
                field=_FIELDS[name.kind],
                constraints=", ".join(map(str, permitted)),
                name=str(name),
            )


_FIELDS: dict[str, str] = {
    "dn": "CN",
    "email": "hosts",
    "dns": "hosts",
    "ip": "hosts",
    "uri": "hosts",
}


def require_within_constraints(
    above: Iterable[NameConstraints], *, subject: x509.Name, sans: Sequence[San]
) -> None:
    """Refuse names outside any of `above`, the whole chain's. Raises `InvalidFields`."""
    names = names_planned(subject, sans)
    require_no_problems([one for constraints in above for one in violations(constraints, names)])


def _holds(constraint: NameConstraint, name: Bearer) -> bool:
    """Tell whether `name` is wholly within the subtree."""
    if constraint.kind != name.kind:
        return False
    match constraint.kind:
        case "dns":
            return _under(name.value.lower(), constraint.value)
        case "ip":
            return _in_network(name.value, constraint.value)
        case "email":
            return _mail_within(name.value, constraint.value)
        case "uri":
            return _host_within(_host_of(name.value), constraint.value)
        case "dn":
            return name.name is not None and _name_within(name.name, constraint.value)


def _touches(constraint: NameConstraint, name: Bearer) -> bool:
    """Tell whether `name` could stand for anything in the subtree."""
    if constraint.kind == "dns" == name.kind and name.value.startswith("*."):
        covered = name.value[2:].lower()
        parent = constraint.value.removeprefix(".").partition(".")[2]
        return _under(covered, constraint.value) or parent == covered
    return _holds(constraint, name)


def _under(name: str, domain: str) -> bool:
    """Tell whether `name` is `domain` or below it; below it alone where it begins with a dot."""
    if not domain:
        return True
    if domain.startswith("."):
        return name.endswith(domain)
    return name == domain or name.endswith(f".{domain}")


def _in_network(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network)
    except ValueError:
        return False


def _mail_within(mail: str, constraint: str) -> bool:
    """A mailbox by itself (its local part to the letter), a host, or with a dot all hosts below."""
    local, _at, domain = mail.rpartition("@")
    wanted, at, host = constraint.rpartition("@")
    if at and local != wanted:
        return False
    return _host_within(domain.lower(), host.lower())


def _host_within(host: str, constraint: str) -> bool:
    if not host:
        return False
    return host.endswith(constraint) if constraint.startswith(".") else host == constraint


def _host_of(uri: str) -> str:
    """Return the host of a URI; empty where there is none or an IP address, which never match."""
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        return ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower()
    return ""


def _name_within(name: x509.Name, constraint: str) -> bool:
    """Compare the leading parts, letters and spaces as RFC 5280 section 7.1 wants."""
    try:
        wanted = [_folded(rdn) for rdn in directory_name(constraint).rdns]
    except (PkiError, *LIBRARY_ERRORS):
        return False
    return [_folded(rdn) for rdn in name.rdns[: len(wanted)]] == wanted


def _folded(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    return frozenset(
        (attribute.oid.dotted_string, " ".join(str(attribute.value).casefold().split()))
        for attribute in rdn
    )
