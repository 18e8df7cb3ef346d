"""Opening a PKCS#12 file (RFC 7292) without trusting it.

The rounds that can be seen are counted before anything is derived. A part inside an encrypted part
may ask for more where nobody can see it beforehand, so the file is opened in a process of its own
with a limit of time and memory; only certificates come back, and of the key the public half
unless the whole is asked for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from dataclasses import dataclass, field

from aggportal.pki.asn1 import INTEGER, SEQUENCE, Node, read_der
from aggportal.pki.derivations import require_affordable
from aggportal.pki.errors import PkiError
from aggportal.pki.thing_keys import PassphraseNeeded
from aggportal.words import gettext_noop as _n

MAX_SECONDS = 10
MAX_PASSPHRASE = 1024


class UnreadablePkcs12(PkiError):
    """The PKCS#12 file cannot be opened."""

    code = "unreadable-pkcs12"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """What a PKCS#12 holds: DER of the certificates with their friendly names, the key's own first;
    `spki` is the public half of the key, empty without one; `key` the private one (PKCS#8 DER),
    only where it was asked for.
    """

    certificates: tuple[tuple[str, bytes], ...]
    spki: bytes
    key: bytes = field(default=b"", repr=False)


def is_pkcs12(root: Node) -> bool:
    """Tell a PFX by its shape: version, content, MAC."""
    return root.tags[:2] == (INTEGER, SEQUENCE) and root.children[0].body == b"\x03"


def open_pkcs12(der: bytes, *, passphrase: str, with_key: bool = False) -> Opened:
    """Open a file; the private key stays in it unless `with_key`.

    Raises `TooCostly`, `PassphraseNeeded`, `UnreadablePkcs12`, `InvalidDer`.
    """
    require_affordable(read_der(der))
    secret = passphrase.encode()
    if len(secret) > MAX_PASSPHRASE:
        raise UnreadablePkcs12(_n("The passphrase is longer than is tried."))
    # Length first: neither file nor passphrase shows among the process's arguments.
    message = bytes([with_key]) + len(secret).to_bytes(4) + secret + der
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module, nothing of the file
            [sys.executable, "-I", "-c", _CHILD],
            input=message,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired as error:
        raise _too_slow() from error
    if done.returncode < 0:
        raise _too_slow()
    if done.returncode:
        raise _refused(passphrase, was_passphrase=done.stdout == b"passphrase")
    answer = json.loads(done.stdout)
    return Opened(
        certificates=tuple((name, b64decode(body)) for name, body in answer["certificates"]),
        spki=b64decode(answer["spki"]),
        key=b64decode(answer["key"]),
    )


def _too_slow() -> UnreadablePkcs12:
    return UnreadablePkcs12(
        _n(
            "Opening this PKCS#12 file took longer than it may: a part inside asks for very many "
            "rounds. Write it again with fewer."
        )
    )


def _refused(passphrase: str, *, was_passphrase: bool) -> PkiError:
    if not was_passphrase:
        return UnreadablePkcs12(
            _n("This PKCS#12 file is damaged, or encrypted in a way that is not known here.")
        )
    if passphrase:
        return PassphraseNeeded(_n("The passphrase does not open this PKCS#12 file."))
    return PassphraseNeeded(_n("This PKCS#12 file has a passphrase. Give it too."))


# Isolated (-I): it imports the library and nothing of the working directory.
_CHILD = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (6, 6))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from base64 import b64encode
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat, pkcs12
)
message = sys.stdin.buffer.read()
size = int.from_bytes(message[1:5], "big")
secret, der = message[5:5 + size], message[5 + size:]

def opened():
    # Without a passphrase programs write either an empty one or none at all.
    try:
        return pkcs12.load_pkcs12(der, secret or None)
    except ValueError:
        if secret:
            raise
        return pkcs12.load_pkcs12(der, b"")

try:
    store = opened()
except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
    said = str(error).lower()
    sys.stdout.write("passphrase" if "password" in said or "mac" in said else "broken")
    sys.exit(3)
found = [c for c in (store.cert, *store.additional_certs) if c is not None]
def text(name):
    return (name or b"").decode("utf-8", "replace")
def encoded(data):
    return b64encode(data).decode()
spki = key = b""
if store.key is not None:
    if message[0]:
        key = store.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    spki = store.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
json.dump({
    "certificates": [
        [text(c.friendly_name), encoded(c.certificate.public_bytes(Encoding.DER))] for c in found
    ],
    "spki": encoded(spki),
    "key": encoded(key),
}, sys.stdout)
"""
