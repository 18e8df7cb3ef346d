"""Name constraints (RFC 5280 section 4.2.1.10): what an authority, and all below it, may name.

In a CSR JSON they stand as our own key `ca.name_constraints`, which cfssl passes over:
`{"permitted": ["DNS:svc", "IP:10.0.0.0/8", "email:example.com", "URI:.example.com",
"DN:O=k8s"], "excluded": […]}`. A kind that has a permitted entry is closed to everything else; a
kind without one stays open.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence

from cryptography import x509

from aggportal.pki.errors import InvalidCertificate, InvalidField, InvalidHost, PkiError
from aggportal.pki.facts import LIBRARY_ERRORS
from aggportal.pki.fields import text_problem
from aggportal.pki.hosts import require_dns_name
from aggportal.pki.names import OIDS_OF_SHORT, as_cfssl_encodes, format_subject
from aggportal.pki.subtrees import LABELS, ConstraintKind, NameConstraint, NameConstraints
from aggportal.words import gettext_noop as _n

MAX_CONSTRAINTS = 50
MAX_CONSTRAINT_LENGTH = 500
_KINDS: dict[str, ConstraintKind] = {label.lower(): kind for kind, label in LABELS.items()}
# A space after the comma between two parts of a name, which RFC 4514 does not have.
_SPACED = re.compile(r"(?<!\\),\s+(?=[A-Za-z0-9.]+=)")


def parse_constraint(text: str, *, field: str) -> NameConstraint:
    """Read one entry, its value made canonical. Raises `InvalidField`."""
    unseen = text_problem(text, field=field)
    if unseen:
        raise unseen
    label, _colon, value = text.partition(":")
    kind = _KINDS.get(label.strip().lower())
    if kind is None or len(text) > MAX_CONSTRAINT_LENGTH:
        words = _n("Write the kind first: DNS:svc, IP:10.0.0.0/8, email:…, URI:… or DN:O=k8s.")
        raise InvalidField(words, field=field)
    return NameConstraint(kind=kind, value=_canonical(kind, value.strip(), field))


def _canonical(kind: ConstraintKind, value: str, field: str) -> str:
    match kind:
        case "ip":
            return _network(value, field)
        case "dn":
            return format_subject(directory_name(value, field=field))
        case "dns":
            if value.startswith("."):
                words = _n("Leave out the first dot: DNS:svc holds svc and all below it.")
                raise InvalidField(words, field=field)
            return _domain(value, field)
        case "email":
            local, at, domain = value.rpartition("@")
            return f"{local}{at}{_dotted_domain(domain, field, dotted=not at)}"
        case "uri":
            return _dotted_domain(value, field, dotted=True)


def _network(value: str, field: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        words = _n("%(value)s is not a network. Write its first address and length: 10.0.0.0/8.")
        raise InvalidField(words, field=field, value=value) from error


def _domain(value: str, field: str) -> str:
    try:
        require_dns_name(value, field=field, wildcard=False)
    except InvalidHost as refused:
        words = _n("%(value)s is not a domain.")
        raise InvalidField(words, field=field, value=value) from refused
    return value.lower()


def _dotted_domain(value: str, field: str, *, dotted: bool) -> str:
    dot = "." if dotted and value.startswith(".") else ""
    return dot + _domain(value.removeprefix(dot), field)


def directory_name(text: str, *, field: str = "") -> x509.Name:
    """Read a name in encoded order (`C=CN, O=k8s`), as pages show it. Raises `InvalidField`."""
    try:
        read = x509.Name.from_rfc4514_string(_SPACED.sub(",", text.strip()), OIDS_OF_SHORT)
    except (*LIBRARY_ERRORS, KeyError) as error:
        words = _n("“%(value)s” is not a name. Write it like C=CN, O=k8s.")
        raise InvalidField(words, field=field, value=text) from error
    if not read.rdns:
        raise InvalidField(_n("This name is empty."), field=field)
    return as_cfssl_encodes(x509.Name(list(reversed(read.rdns))))


def constraints_extension(constraints: NameConstraints) -> x509.NameConstraints:
    """Return the extension as cryptography's value; it is to be critical."""
    permitted = [_subtree(one) for one in constraints.permitted]
    excluded = [_subtree(one) for one in constraints.excluded]
    return x509.NameConstraints(permitted or None, excluded or None)


def _subtree(constraint: NameConstraint) -> x509.GeneralName:
    match constraint.kind:
        case "dns":
            return x509.DNSName(constraint.value)
        case "ip":
            return x509.IPAddress(ipaddress.ip_network(constraint.value))
        case "email":
            return x509.RFC822Name._init_without_validation(constraint.value)
        case "uri":
            return x509.UniformResourceIdentifier(constraint.value)
        case "dn":
            return x509.DirectoryName(directory_name(constraint.value))


def constraints_of(certificate: x509.Certificate) -> NameConstraints:
    """Read what `certificate` says; empty where it says nothing. Raises `InvalidCertificate`."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return NameConstraints()
    except LIBRARY_ERRORS as error:
        raise InvalidCertificate(_n("The name constraints cannot be read.")) from error
    permitted = [_read(name) for name in found.permitted_subtrees or ()]
    excluded = [_read(name) for name in found.excluded_subtrees or ()]
    return NameConstraints(
        permitted=tuple(one for one in permitted if one),
        excluded=tuple(one for one in excluded if one),
        foreign=None in permitted or None in excluded,
    )


def _read(name: x509.GeneralName) -> NameConstraint | None:
    match name:
        case x509.DNSName():
            return NameConstraint(kind="dns", value=name.value.lower())
        case x509.IPAddress():
            return NameConstraint(kind="ip", value=str(name.value))
        case x509.RFC822Name():
            return NameConstraint(kind="email", value=name.value)
        case x509.UniformResourceIdentifier():
            return NameConstraint(kind="uri", value=name.value.lower())
        case x509.DirectoryName():
            return NameConstraint(kind="dn", value=format_subject(name.value))
    return None


def load_constraints(
    permitted: Sequence[str], excluded: Sequence[str], *, field: str
) -> tuple[NameConstraints, tuple[PkiError, ...]]:
    """Read both lists of a CSR JSON; the problems come beside, under `field.permitted[0]`."""
    problems: list[PkiError] = []

    def read(key: str, texts: Sequence[str]) -> Iterator[NameConstraint]:
        for i, text in enumerate(texts):
            try:
                yield parse_constraint(text, field=f"{field}.{key}[{i}]")
            except InvalidField as problem:
                problems.append(problem)

    found = NameConstraints(
        permitted=tuple(dict.fromkeys(read("permitted", permitted))),
        excluded=tuple(dict.fromkeys(read("excluded", excluded))),
    )
    return found, tuple(problems)


def dump_constraints(constraints: NameConstraints) -> dict[str, list[str]]:
    """Write as the value of `ca.name_constraints`."""
    document = {
        "permitted": [str(one) for one in constraints.permitted],
        "excluded": [str(one) for one in constraints.excluded],
    }
    return {key: value for key, value in document.items() if value}


def all_constraints(certificates: Iterable[x509.Certificate]) -> tuple[NameConstraints, ...]:
    """Return the constraints of those certificates that have any."""
    return tuple(found for each in certificates if (found := constraints_of(each)))
