"""Name constraints as frozen values (RFC 5280 section 4.2.1.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ConstraintKind = Literal["dns", "ip", "email", "uri", "dn"]
LABELS: dict[ConstraintKind, str] = {
    "dns": "DNS",
    "ip": "IP",
    "email": "email",
    "uri": "URI",
    "dn": "DN",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NameConstraint:
    """One subtree. `value` is a domain, a network, a mailbox or its domain, a URI's host, or a
    name in encoded order (`C=CN, O=k8s`).
    """

    kind: ConstraintKind
    value: str

    def __str__(self) -> str:
        return f"{LABELS[self.kind]}:{self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class NameConstraints:
    """What one certificate says. `foreign` are kinds of names that we cannot compare."""

    permitted: tuple[NameConstraint, ...] = ()
    excluded: tuple[NameConstraint, ...] = ()
    foreign: bool = False

    def __bool__(self) -> bool:
        return bool(self.permitted or self.excluded or self.foreign)


NO_CONSTRAINTS = NameConstraints()
