"""Private and public keys: what kind they are, and the digest that pairs them with certificates.

Of a private key only the public half leaves this module.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
)

from aggportal.pki.asn1 import read_der
from aggportal.pki.asn1text import structure_text
from aggportal.pki.derivations import is_encrypted_key, require_affordable
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import LIBRARY_ERRORS, key_text
from aggportal.pki.inspected import Kind, Row, Thing, Value
from aggportal.pki.keys import MAX_KEY_BYTES
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_GOOD = _n("its numbers belong together")
MAX_CHECKED_RSA_BITS = 4096  # checking the primes of a larger one takes seconds


class UnreadableKey(PkiError):
    """The private key cannot be read."""

    code = "unreadable-key"


class PassphraseNeeded(PkiError):
    """The key or file is encrypted, and the passphrase is missing or wrong."""

    code = "passphrase-needed"


def public_key_digest(key: object) -> str:
    """Return the SHA-256 of the SubjectPublicKeyInfo, lowercase hex."""
    return hashlib.sha256(_spki(key)).hexdigest()


def _spki(key: object) -> bytes:
    spki: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every public key has it
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return spki


def key_row(key: object) -> Row:
    """Name a public key, and say what is to be known of its strength."""
    text = key_text(key)  # type: ignore[arg-type]  # it names keys of every kind
    return Row(name=Sentence(text=_n("Key")), values=(text,), meaning=_strength(key))


def _strength(key: object) -> Sentence | None:
    match key:
        case rsa.RSAPublicKey() if key.key_size < 2048:
            text = _n("An RSA key below 2048 bits can be broken; modern programs refuse it.")
        case rsa.RSAPublicKey() if key.public_numbers().e != 65537:
            text = _n("Its public exponent is %(exponent)s, not 65537 as is usual.")
            return Sentence(text=text, params={"exponent": str(key.public_numbers().e)[:40]})
        case dsa.DSAPublicKey():
            text = _n("DSA is out of use: neither Go nor browsers take it.")
        case ec.EllipticCurvePublicKey() if key.curve.name not in (
            "secp256r1",
            "secp384r1",
            "secp521r1",
        ):
            text = _n("Neither Go nor Kubernetes knows this curve.")
        case _:
            return None
    return Sentence(text=text)


def inspect_private_key(data: bytes, *, label: str, passphrase: str, source: Value) -> Thing:
    """Explain one private key by its public half; `label` is its PEM label, empty for DER.

    `data` is the PEM block or the DER. Raises `UnreadableKey`, `PassphraseNeeded`, `TooCostly`.
    """
    key = _load(data, is_pem=bool(label), passphrase=passphrase)
    public = key.public_key()  # type: ignore[attr-defined]  # every private key has it
    rows = [key_row(public)]
    if passphrase and label in ("", "ENCRYPTED PRIVATE KEY"):
        rows.append(_row(_n("Kept as"), _n("encrypted, and the passphrase opens it")))
    checked = _GOOD
    if isinstance(key, rsa.RSAPrivateKey):
        checked = _checked_rsa(key, data, bool(label), passphrase)
        rows.append(_row(_n("Check"), checked))
    rows.append(_row(_n("Shown"), _n("only the public half; the private one is already forgotten")))
    thing = _key_thing(public, kind=Kind.PRIVATE_KEY, rows=tuple(rows), source=source)
    # What was not proven to be a pair of halves is not said to fit a certificate.
    return thing if checked == _GOOD else replace(thing, spki_sha256="")


def inspect_public_key(der: bytes, *, source: Value) -> Thing:
    """Explain one SubjectPublicKeyInfo. Raises `UnreadableKey`."""
    try:
        key = load_der_public_key(der)
        return _key_thing(key, kind=Kind.PUBLIC_KEY, rows=(key_row(key),), source=source)
    except LIBRARY_ERRORS as error:
        raise UnreadableKey(
            _n("This public key is damaged, or of a kind that is not known here.")
        ) from error


def _key_thing(key: object, *, kind: Kind, rows: tuple[Row, ...], source: Value) -> Thing:
    spki = _spki(key)
    digest = hashlib.sha256(spki).hexdigest()
    printed = Row(
        name=Sentence(text=_n("Public key, SHA-256")), values=(f"sha256:{digest}",), exact=True
    )
    pem: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every public key has it
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return Thing(
        kind=kind,
        title=str(rows[0].values[0]),
        source=source,
        rows=rows,
        fingerprints=(printed,),
        spki_sha256=digest,
        pem=pem.decode("ascii"),
        text=structure_text(read_der(spki)),
    )


def _row(name: str, value: str) -> Row:
    return Row(name=Sentence(text=name), values=(Sentence(text=value),))


def _load(data: bytes, *, is_pem: bool, passphrase: str, check: bool = False) -> object:
    if len(data) > MAX_KEY_BYTES:
        raise UnreadableKey(_n("This is too large for a private key."))
    load = load_pem_private_key if is_pem else load_der_private_key
    secret = passphrase.encode() or None
    try:
        return load(data, secret, unsafe_skip_rsa_key_validation=not check)
    except TypeError as error:
        if secret is None:
            raise PassphraseNeeded(
                _n("This private key is encrypted. Give its passphrase too.")
            ) from error
        # A passphrase was given for something else among the files; this key needs none.
        return _load(data, is_pem=is_pem, passphrase="", check=check)
    except (ValueError, UnsupportedAlgorithm, OverflowError) as error:
        raise _unreadable(error, passphrase=passphrase) from error


def _unreadable(error: Exception, *, passphrase: str) -> PkiError:
    if passphrase and any(hint in str(error).lower() for hint in ("password", "decrypt")):
        return PassphraseNeeded(_n("The passphrase does not open this private key."))
    return UnreadableKey(_n("This private key is damaged, or of a kind that is not known here."))


def _checked_rsa(key: rsa.RSAPrivateKey, data: bytes, is_pem: bool, passphrase: str) -> str:
    if key.key_size > MAX_CHECKED_RSA_BITS:
        return _n("not done: to check a key as large as this takes too long")
    try:
        _load(data, is_pem=is_pem, passphrase=passphrase, check=True)
    except PkiError:
        return _n("its numbers do not belong together: it is damaged, or made to deceive")
    return _GOOD


def require_affordable_key(der: bytes) -> None:
    """Refuse an encrypted PKCS#8 that costs too much to open. Raises `TooCostly`, `InvalidDer`."""
    root = read_der(der)
    if is_encrypted_key(root):
        require_affordable(root)
