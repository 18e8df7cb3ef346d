"""The request spec: cfssl's CSR JSON (`CN`, `hosts`, `key`, `names`, `ca`, …) as a frozen value, and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from aggportal.pki.keys import KeySpec


@dataclass(frozen=True, kw_only=True, slots=True)
class NameEntry:
    """One entry of `names`. `oid` keeps (dotted OID, value) pairs in their order; `serial_number` is ignored by cfssl."""

    country: str = ""
    state: str = ""
    locality: str = ""
    organization: str = ""
    organizational_unit: str = ""
    email: str = ""
    serial_number: str = ""
    oid: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CaSpec:
    """`ca`: durations are Go texts ("87600h"), empty when absent; `pathlen` 0 counts only with `pathlenzero`."""

    expiry: str = ""
    backdate: str = ""
    pathlen: int = 0
    pathlenzero: bool = False


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
    key: KeySpec = KeySpec()
    names: tuple[NameEntry, ...] = ()
    serial_number: str = ""
    ca: CaSpec | None = None
    crl_url: str = ""
    delegation_enabled: bool = False
    extensions: tuple[RequestedExtension, ...] = ()
    unknown: tuple[str, ...] = field(default=())
