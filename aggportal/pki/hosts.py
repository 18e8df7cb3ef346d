"""cfssl's `hosts`: what each entry becomes as a subject alternative name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SanKind = Literal["dns", "email", "ip", "uri"]


@dataclass(frozen=True, kw_only=True, slots=True)
class San:
    """One subject alternative name; `value` is the text that enters the certificate (an IP in canonical form)."""

    kind: SanKind
    value: str
