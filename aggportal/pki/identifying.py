"""What a pasted number may be: a serial in hexadecimal or decimal, or a fingerprint.

Colons, blanks, case, `0x`, leading zeros and what stands before an equals sign (openssl prints
`serial=0A…` and `sha256 Fingerprint=AA:BB:…`) say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

_HEX = frozenset("0123456789abcdef")
_SERIAL_DIGITS = 40  # 20 octets (RFC 5280 section 4.1.2.2)
# Shorter ones may well be a part of a name.
_SURE_HEX = 32
_SURE_DECIMAL = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Identifiers:
    """`serials` are 40 hexadecimal digits each; `sha256` and `sha1` are empty unless the length
    fits. `is_sure` tells that the text is too long a number to be a part of a name.
    """

    serials: tuple[str, ...]
    sha256: str
    sha1: str
    is_sure: bool


def identifiers(text: str) -> Identifiers | None:
    """Tell what `text` may identify; None where it is no number."""
    digits = "".join(text.rpartition("=")[2].split()).replace(":", "").lower().removeprefix("0x")
    if not digits or len(digits) > 2 * _SERIAL_DIGITS or not set(digits) <= _HEX:
        return None
    serials = {_padded(digits)}
    decimal = digits.isdecimal() and digits.isascii()
    if decimal:
        serials.add(_padded(f"{int(digits):x}"))
    return Identifiers(
        serials=tuple(sorted(serials - {""})),
        sha256=digits if len(digits) == 64 else "",
        sha1=digits if len(digits) == 40 else "",
        is_sure=len(digits) >= _SURE_HEX or (decimal and len(digits) >= _SURE_DECIMAL),
    )


def _padded(digits: str) -> str:
    """Return a serial as it is stored; empty for what no serial can be."""
    bare = digits.lstrip("0")
    return bare.zfill(_SERIAL_DIGITS) if len(bare) <= _SERIAL_DIGITS else ""
