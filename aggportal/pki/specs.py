"""The request spec as frozen values: what cfssl's CSR JSON (`CN`, `hosts`, `key`, `names`, `ca`, …)
says.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggportal.pki.keys import DEFAULT_KEY, KeySpec
from aggportal.pki.subtrees import NO_CONSTRAINTS, NameConstraints


@dataclass(frozen=True, kw_only=True, slots=True)
class NameEntry:
    """One entry of `names`. `oid` holds (dotted OID, value) in order; cfssl ignores `SerialNumber`
    here.
    """

    country: str = ""
    state: str = ""
    locality: str = ""
    organization: str = ""
    organizational_unit: str = ""
    email: str = ""
    serial_number: str = ""
    oid: tuple[tuple[str, str], ...] = ()


# cfssl's key → our attribute, in cfssl's order.
NAME_KEYS: dict[str, str] = {
    "C": "country",
    "ST": "state",
    "L": "locality",
    "O": "organization",
    "OU": "organizational_unit",
    "E": "email",
    "SerialNumber": "serial_number",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CaSpec:
    """`ca`: durations are Go texts ("87600h") or empty; `pathlen` 0 needs `pathlenzero`.

    `name_constraints` is our own key; cfssl passes it over.
    """

    expiry: str = ""
    backdate: str = ""
    pathlen: int = 0
    pathlenzero: bool = False
    name_constraints: NameConstraints = NO_CONSTRAINTS


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestedExtension:
    """One entry of `extensions`: dotted OID, critical, DER value."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestSpec:
    """A whole CSR JSON. `unknown` lists the paths of keys that cfssl would ignore silently."""

    common_name: str = ""
    hosts: tuple[str, ...] = ()
    key: KeySpec = DEFAULT_KEY
    names: tuple[NameEntry, ...] = ()
    ca: CaSpec | None = None
    serial_number: str = ""
    delegation_enabled: bool = False
    extensions: tuple[RequestedExtension, ...] = ()
    crl_url: str = ""
    unknown: tuple[str, ...] = ()


def has_subject(spec: RequestSpec) -> bool:
    """Tell whether a CA may be made of this: a CN, or something in every `names` entry (cfssl
    5300).
    """
    return bool(spec.common_name.strip()) or (
        bool(spec.names) and all(_has_place(entry) for entry in spec.names)
    )


def _has_place(entry: NameEntry) -> bool:
    named = (
        entry.country,
        entry.state,
        entry.locality,
        entry.organization,
        entry.organizational_unit,
    )
    return any(value.strip() for value in named)
