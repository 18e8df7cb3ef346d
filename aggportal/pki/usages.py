"""cfssl's names for key usages (RFC 5280 section 4.2.1.3) and extended key usages (section
4.2.1.12).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from cryptography.x509 import ObjectIdentifier

from aggportal.pki.errors import UnknownUsage
from aggportal.words import gettext_noop as _n

# cfssl's canonical name → the keyword of cryptography's KeyUsage.
KEY_USAGES: Mapping[str, str] = MappingProxyType(
    {
        "digital signature": "digital_signature",
        "content commitment": "content_commitment",
        "key encipherment": "key_encipherment",
        "data encipherment": "data_encipherment",
        "key agreement": "key_agreement",
        "cert sign": "key_cert_sign",
        "crl sign": "crl_sign",
        "encipher only": "encipher_only",
        "decipher only": "decipher_only",
    }
)

EXTENDED_KEY_USAGES: Mapping[str, ObjectIdentifier] = MappingProxyType(
    {
        "any": ObjectIdentifier("2.5.29.37.0"),
        "server auth": ObjectIdentifier("1.3.6.1.5.5.7.3.1"),
        "client auth": ObjectIdentifier("1.3.6.1.5.5.7.3.2"),
        "code signing": ObjectIdentifier("1.3.6.1.5.5.7.3.3"),
        "email protection": ObjectIdentifier("1.3.6.1.5.5.7.3.4"),
        "ipsec end system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
        "ipsec tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
        "ipsec user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
        "timestamping": ObjectIdentifier("1.3.6.1.5.5.7.3.8"),
        "ocsp signing": ObjectIdentifier("1.3.6.1.5.5.7.3.9"),
        "microsoft sgc": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
        "netscape sgc": ObjectIdentifier("2.16.840.1.113730.4.1"),
    }
)

# Other spellings of the same usage. "signing" is how most people write digital signature, so it
# stays canonical.
_SAME_AS = {
    "digital signature": "signing",
    "content committment": "content commitment",
    "s/mime": "email protection",
}

_AGREEMENT = frozenset({"key agreement", "encipher only", "decipher only"})
_ENCIPHERMENT = frozenset({"key encipherment", "data encipherment"})
_UNFIT: Mapping[str, frozenset[str]] = MappingProxyType(
    {"RSA": _AGREEMENT, "ECDSA": _ENCIPHERMENT, "Ed25519": _AGREEMENT | _ENCIPHERMENT}
)

# All names that a document may use, in the order in which a form offers them.
USAGE_NAMES: tuple[str, ...] = (
    "signing",
    *KEY_USAGES,
    "content committment",
    *EXTENDED_KEY_USAGES,
    "s/mime",
)


def canonical_usage(name: str, *, field: str) -> str:
    """Return the canonical spelling of a usage. Raises `UnknownUsage`, which names the closest
    known one.
    """
    if name in USAGE_NAMES:
        return _SAME_AS.get(name, name)
    suggestion = _closest(name)
    words = (
        _n(
            "cfssl knows no usage %(name)s and would leave it out silently; did you mean "
            "%(suggestion)s?"
        )
        if suggestion
        else _n("cfssl knows no usage %(name)s and would leave it out silently.")
    )
    raise UnknownUsage(words, field=field, name=name or '""', suggestion=suggestion)


def key_usages(usages: Iterable[str]) -> tuple[str, ...]:
    """Return the key usages among canonical names, in the extension's bit order, once each."""
    asked = {"digital signature" if usage == "signing" else usage for usage in usages}
    return tuple(name for name in KEY_USAGES if name in asked)


def fitting_key_usages(usages: Iterable[str], *, key: str) -> tuple[str, ...]:
    """Return the key usages that a key of this kind may have: an elliptic key cannot encipher
    (RFC 8813 section 3), an Ed25519 key only signs (RFC 9295 section 3), and an RSA key does not
    agree on keys (RFC 3279 section 2.3.1).

    `key` is its description, such as "ECDSA P-256"; for an unknown one nothing is left out.
    """
    unfit = next((unfit for kind, unfit in _UNFIT.items() if key.startswith(kind)), frozenset())
    return tuple(usage for usage in usages if usage not in unfit)


def extended_key_usages(usages: Iterable[str], *, once: bool = True) -> tuple[str, ...]:
    """Return the extended key usages among canonical names, in their order; each `once`, or as
    often as it stands there.
    """
    extended = [usage for usage in usages if usage in EXTENDED_KEY_USAGES]
    return tuple(dict.fromkeys(extended) if once else extended)


def _closest(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-\s]+", " ", name).strip().lower()
    return next(iter(difflib.get_close_matches(spaced, USAGE_NAMES, n=1, cutoff=0.6)), "")
