"""Private keys: what may be asked for (`KeySpec`), making, loading, and cfssl's file forms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySpec:
    """cfssl's `key`: `algo` is rsa, ecdsa or ed25519; `size` in bits (ignored for ed25519)."""

    algo: str = "ecdsa"
    size: int = 256
