"""Distinguished names as cfssl builds them, RFC 5280 section 4.1.2.4.

Order C, ST, L, street, postal code, O, OU, CN, serialNumber, then the rest. In cfssl repeated
values of one type form a single multi-valued RDN, which X.501 section 9.3 forbids: in strict mode
each is an RDN of its own. Kubernetes reads CN as the user name and every O as a group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from aggportal.pki.errors import InvalidField
from aggportal.pki.specs import NameEntry, RequestSpec
from aggportal.words import gettext_noop as _n

# Keys whose values RFC 5280 appendix A.1 and X.520 write in one kind of string alone.
PRINTABLE_ONLY = frozenset(("serialnumber", "2.5.4.46"))
IA5_ONLY = frozenset(("E", "0.9.2342.19200300.100.1.25"))
# ASN.1 PrintableString as Go writes it: neither asterisk nor ampersand.
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*", re.ASCII)

STREET = NameOID.STREET_ADDRESS.dotted_string
POSTAL_CODE = NameOID.POSTAL_CODE.dotted_string

_SHORT = {
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.POSTAL_CODE: "postalCode",
}

# The short names that `format_subject` writes and that RFC 4514 does not know.
OIDS_OF_SHORT = {short: oid for oid, short in _SHORT.items()}


def build_subject(spec: RequestSpec, *, compat: bool = False) -> x509.Name:
    """Build the subject; in `compat` repeated values share an RDN. Raises `InvalidField` when a
    value stands twice in one type.
    """
    street, postal_code = _from_oid(spec, STREET), _from_oid(spec, POSTAL_CODE)
    groups = [
        (NameOID.COUNTRY_NAME, _of(spec, "country")),
        (NameOID.STATE_OR_PROVINCE_NAME, _of(spec, "state")),
        (NameOID.LOCALITY_NAME, _of(spec, "locality")),
        (NameOID.STREET_ADDRESS, street),
        (NameOID.POSTAL_CODE, postal_code),
        (NameOID.ORGANIZATION_NAME, _of(spec, "organization")),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, _of(spec, "organizational_unit")),
        (NameOID.COMMON_NAME, [spec.common_name] if spec.common_name else []),
        (NameOID.SERIAL_NUMBER, [spec.serial_number] if spec.serial_number else []),
    ]
    rdns = [_rdn(oid, part, compat) for oid, values in groups for part in _parts(values, compat)]
    rdns += [
        _rdn(oid, [value], compat)
        for oid, value in _extras(spec)
        if oid.dotted_string not in (STREET, POSTAL_CODE)
    ]
    return x509.Name(rdns)


def encoding_problem(key: str, value: str) -> str:
    """Tell which characters alone a value may have where it has others: "ASCII", "printable", or
    empty. `key` is cfssl's, or a dotted OID.
    """
    if key in PRINTABLE_ONLY and not _PRINTABLE.fullmatch(value):
        return "printable"
    return "ASCII" if key in IA5_ONLY and not value.isascii() else ""


def build_request_subject(spec: RequestSpec, *, compat: bool = False) -> x509.Name:
    """Build the CSR's subject: as the certificate's, but street and postal code stand at the end
    among the extras.
    """
    common = {NameOID.STREET_ADDRESS, NameOID.POSTAL_CODE}
    whole = build_subject(spec, compat=compat)
    front = [rdn for rdn in whole.rdns if not common & {a.oid for a in rdn}]
    split = sum(1 for rdn in front if {a.oid for a in rdn} <= _COMMON)
    return x509.Name(
        [*front[:split], *(_rdn(oid, [value], compat) for oid, value in _extras(spec))]
    )


_COMMON = frozenset(
    (
        NameOID.COUNTRY_NAME,
        NameOID.STATE_OR_PROVINCE_NAME,
        NameOID.LOCALITY_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.ORGANIZATIONAL_UNIT_NAME,
        NameOID.COMMON_NAME,
        NameOID.SERIAL_NUMBER,
    )
)

# Attributes that `names[].OID` may not set, and the key that does.
RESERVED_OIDS: dict[str, str] = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialnumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "1.2.840.113549.1.9.1": "E",
}


def as_cfssl_encodes(name: x509.Name) -> x509.Name:
    """Return `name` with its texts in the string types that cfssl chooses."""
    return x509.Name(
        [
            x509.RelativeDistinguishedName(
                [_attribute(attribute.oid, str(attribute.value)) for attribute in rdn]
            )
            for rdn in name.rdns
        ]
    )


def format_subject(name: x509.Name) -> str:
    """Write a name in the order in which it is encoded: `C=CN, O=k8s+O=second, CN=aggregator`."""
    return ", ".join(rdn.rfc4514_string(_SHORT) for rdn in name.rdns)


def _of(spec: RequestSpec, attribute: str) -> list[str]:
    return [value for entry in spec.names if (value := getattr(entry, attribute))]


def _from_oid(spec: RequestSpec, dotted: str) -> list[str]:
    return [value for entry in spec.names for oid, value in entry.oid if oid == dotted]


def _extras(spec: RequestSpec) -> Iterator[tuple[x509.ObjectIdentifier, str]]:
    for entry in spec.names:
        yield from _entry_extras(entry)


def _entry_extras(entry: NameEntry) -> Iterator[tuple[x509.ObjectIdentifier, str]]:
    for dotted, value in entry.oid:
        yield x509.ObjectIdentifier(dotted), value
    if entry.email:
        yield NameOID.EMAIL_ADDRESS, entry.email


def _parts(values: list[str], compat: bool) -> Iterator[list[str]]:
    """Yield the values that share an RDN."""
    if len(set(values)) < len(values):
        words = _n("%(value)s stands twice in names; write it once.")
        twice = next(value for value in values if values.count(value) > 1)
        raise InvalidField(words, field="names", value=twice)
    if compat:
        yield from ([values] if values else [])
    else:
        yield from ([value] for value in values)


def _rdn(
    oid: x509.ObjectIdentifier, values: list[str], compat: bool
) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName([_attribute(oid, value, compat) for value in values])


def _attribute(
    oid: x509.ObjectIdentifier, value: str, compat: bool = False
) -> x509.NameAttribute[str]:
    kind = _ASN1Type.PrintableString if _PRINTABLE.fullmatch(value) else _ASN1Type.UTF8String
    if not compat and oid in (NameOID.EMAIL_ADDRESS, NameOID.DOMAIN_COMPONENT):
        kind = _ASN1Type.IA5String  # Go writes UTF8String
    return x509.NameAttribute(oid, value, kind, _validate=False)
