"""A `RequestSpec` as cfssl's CSR JSON."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from aggportal.pki.constraints import dump_constraints
from aggportal.pki.keys import KeySpec
from aggportal.pki.specs import (
    NAME_KEYS,
    CaSpec,
    NameEntry,
    RequestedExtension,
    RequestSpec,
)


def dump_request_spec(spec: RequestSpec) -> dict[str, object]:
    """Write as CSR JSON, keys in the order of `cfssl print-defaults csr`, without empty ones."""
    document: dict[str, object] = {
        "CN": spec.common_name,
        "hosts": list(spec.hosts),
        "key": _dump_key(spec.key),
        "names": [_dump_name(entry) for entry in spec.names],
        "ca": _dump_ca(spec.ca) if spec.ca else None,
        "serialnumber": spec.serial_number,
        "delegation_enabled": spec.delegation_enabled,
        "extensions": [_dump_extension(extension) for extension in spec.extensions],
        "crl_url": spec.crl_url,
    }
    return {k: v for k, v in document.items() if v or (k == "ca" and v is not None)}


def _dump_key(key: KeySpec) -> dict[str, object]:
    return {"algo": key.algo, "size": key.size} if key.size else {"algo": key.algo}


def _dump_name(entry: NameEntry) -> dict[str, object]:
    document: dict[str, object] = {
        key: value for key, name in NAME_KEYS.items() if (value := getattr(entry, name))
    }
    return document | ({"OID": dict(entry.oid)} if entry.oid else {})


def _dump_ca(ca: CaSpec) -> dict[str, object]:
    document: Mapping[str, object] = {
        "expiry": ca.expiry,
        "backdate": ca.backdate,
        "pathlen": ca.pathlen,
        "pathlenzero": ca.pathlenzero,
        "name_constraints": dump_constraints(ca.name_constraints),
    }
    return {k: v for k, v in document.items() if v}


def _dump_extension(extension: RequestedExtension) -> dict[str, object]:
    return {
        "Id": [int(arc) for arc in extension.oid.split(".")],
        "Critical": extension.critical,
        "Value": b64encode(extension.value).decode("ascii"),
    }
