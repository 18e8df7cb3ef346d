"""What deriving a key from a passphrase would cost, read from the file before anything is derived.

A file may ask for thousands of millions of rounds (PBKDF2, RFC 8018; PKCS#12's own, RFC 7292) or
for gigabytes (scrypt, RFC 7914): the reader pays, so the reader decides.
"""

from __future__ import annotations

from aggportal.pki.asn1 import INTEGER, OCTET_STRING, OID, SEQUENCE, Node, dotted, walk
from aggportal.pki.errors import PkiError
from aggportal.words import gettext_noop as _n

MAX_ROUNDS = 2_000_000  # the sum over one file; OpenSSL writes 2,048, keytool 10,000
MAX_SCRYPT = 2**17 * 8  # N times r; 128 bytes each: 128 MiB

_SCRYPT = "1.3.6.1.4.1.11591.4.11"
_ROUNDED = (
    "1.2.840.113549.1.5.",  # PKCS#5: PBES1 and PBKDF2
    "1.2.840.113549.1.12.1.",  # PKCS#12's password-based encryption
)


class TooCostly(PkiError):
    """Opening the file would take longer than we give it."""

    code = "too-costly"


def require_affordable(root: Node) -> None:
    """Refuse a PKCS#12 or encrypted PKCS#8 whose key derivation asks for too much.

    Raises `TooCostly`. What lies inside an encrypted part cannot be counted here.
    """
    rounds = mac_rounds(root)
    for node in walk(root, inside=True):
        if node.tag != SEQUENCE or node.tags[:1] != (OID,) or len(node.children) < 2:
            continue
        oid, numbers = dotted(node.children[0].body), _numbers(node.children[1])
        if oid == _SCRYPT and numbers:
            _require_little_memory(numbers)
        elif oid.startswith(_ROUNDED):
            rounds += max(numbers, default=0)
    if rounds > MAX_ROUNDS:
        raise TooCostly(
            _n(
                "The file asks for %(rounds)d rounds to derive its key from the passphrase; more "
                "than %(limit)d are not done, since they would keep the server busy. Write the "
                "file again with fewer (100,000 are plenty)."
            ),
            rounds=rounds,
            limit=MAX_ROUNDS,
        )


def mac_rounds(root: Node) -> int:
    """Return the rounds of a PKCS#12's MacData (RFC 7292 section 4); 1 where it does not say."""
    if root.tags[:1] != (INTEGER,) or len(root.children) < 3:
        return 0
    mac = root.children[2]
    return max(_numbers(mac), default=1)


def _numbers(node: Node) -> list[int]:
    """Return the integers directly in `node`; a salt that is DER by chance is not looked into."""
    found = [child.body for child in node.children if child.tag == INTEGER]
    return [int.from_bytes(body, signed=True) for body in found if len(body) <= 16]


def _require_little_memory(numbers: list[int]) -> None:
    cost, block = [*numbers, 1][:2]
    parallel = numbers[2] if len(numbers) > 2 else 1
    if cost * block * max(parallel, 1) > MAX_SCRYPT:
        raise TooCostly(
            _n(
                "The file asks for scrypt with N=%(cost)d, r=%(block)d and p=%(parallel)d, which "
                "would take more memory and time than is given. Write it again with N=16384, r=8 "
                "and p=1."
            ),
            cost=cost,
            block=block,
            parallel=parallel,
        )


def is_encrypted_key(root: Node) -> bool:
    """Tell an EncryptedPrivateKeyInfo (RFC 5958 section 3) by its shape."""
    return root.tags == (SEQUENCE, OCTET_STRING) and root.children[0].tags[:1] == (OID,)
