"""Private keys: what may be asked for (`KeySpec`), making, loading, and cfssl's file forms."""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from aggportal.pki.errors import InvalidField, InvalidKey
from aggportal.words import gettext_noop as _n

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

RSA_SIZES = (2048, 3072, 4096)
RSA_EXPONENT = 65537
CURVES: dict[int, ec.EllipticCurve] = {
    256: ec.SECP256R1(),
    384: ec.SECP384R1(),
    521: ec.SECP521R1(),
}
KEY_CHOICES: dict[str, tuple[int, ...]] = {"rsa": RSA_SIZES, "ecdsa": tuple(CURVES), "ed25519": ()}
MAX_KEY_BYTES = 16 * 1024
_HASHES: dict[str, type[hashes.SHA256] | type[hashes.SHA384] | type[hashes.SHA512]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}
# The label that cfssl writes and that nothing else reads; inside is PKCS#8.
_CFSSL_ED25519 = re.compile(
    r"\s*-----BEGIN Ed25519 PRIVATE KEY-----"
    r"([A-Za-z0-9+/=\s]+)"
    r"-----END Ed25519 PRIVATE KEY-----\s*",
    re.ASCII,
)
# Exactly one armoured key and nothing around it, save the parameters that `openssl ecparam` puts
# before it.
_ONE_KEY = re.compile(
    rb"\s*(?:-----BEGIN EC PARAMETERS-----[A-Za-z0-9+/=\s]+-----END EC PARAMETERS-----\s*)?"
    rb"-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----"
    rb"[A-Za-z0-9+/=\s:,-]+?"
    rb"-----END \1-----\s*"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySpec:
    """cfssl's `key`: `algo` is rsa, ecdsa or ed25519; `size` in bits (ignored for ed25519)."""

    algo: str = "ecdsa"
    size: int = 256

    def __str__(self) -> str:
        match self.algo:
            case "rsa":
                return f"RSA {self.size}"
            case "ecdsa":
                return f"ECDSA P-{self.size}"
            case "ed25519":
                return "Ed25519"
        return f"{self.algo} {self.size}"


# cfssl's own default.
DEFAULT_KEY = KeySpec()


def require_key_spec(spec: KeySpec, *, field: str = "key") -> None:
    """Refuse an algorithm or size that we do not make. Raises `InvalidField` for `key.algo` or
    `key.size`.
    """
    if spec.algo not in KEY_CHOICES:
        words = _n("The algorithm must be one of %(choices)s.")
        raise InvalidField(words, field=f"{field}.algo", choices=", ".join(KEY_CHOICES))
    sizes = KEY_CHOICES[spec.algo]
    if sizes and spec.size not in sizes:
        words = _n("The size of an %(algo)s key must be one of %(choices)s, not %(size)d.")
        choices = ", ".join(map(str, sizes))
        raise InvalidField(
            words, field=f"{field}.size", algo=spec.algo, choices=choices, size=spec.size
        )


def generate_key(spec: KeySpec) -> PrivateKey:
    """Make a private key. RSA 4096 takes half a second or more."""
    require_key_spec(spec)
    if spec.algo == "rsa":
        return rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=spec.size)
    if spec.algo == "ecdsa":
        return ec.generate_private_key(CURVES[spec.size])
    return ed25519.Ed25519PrivateKey.generate()


def load_private_key(data: bytes | str) -> PrivateKey:
    """Read one unencrypted private key: PEM (PKCS#1, SEC1, PKCS#8, cfssl's Ed25519 label) or DER
    PKCS#8.

    Raises `InvalidKey`, also for kinds and sizes that we would not make.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    if len(raw) > MAX_KEY_BYTES:
        raise InvalidKey(_n("This is too large for a private key."))
    try:
        key = _load(raw)
    except TypeError as error:
        raise InvalidKey(_n("This private key is encrypted; decrypt it first.")) from error
    except (ValueError, UnsupportedAlgorithm, OverflowError) as error:
        raise InvalidKey(_n("This is not a private key that can be read.")) from error
    if not isinstance(key, PrivateKey):
        raise InvalidKey(_n("Only RSA, ECDSA and Ed25519 keys are accepted."))
    require_allowed_key(key.public_key())
    return key


def _load(raw: bytes) -> object:
    cfssl = _CFSSL_ED25519.fullmatch(raw.decode("latin-1"))
    if cfssl:
        try:
            return load_der_private_key(b64decode("".join(cfssl[1].split()), validate=True), None)
        except binascii.Error as error:
            raise ValueError("base64") from error
    if raw.lstrip().startswith(b"-----BEGIN"):
        if raw.count(b"PRIVATE KEY-----") != 2 or not _ONE_KEY.fullmatch(raw):
            raise InvalidKey(_n("Give exactly one private key in PEM and nothing around it."))
        return load_pem_private_key(raw, None)
    return load_der_private_key(raw, None)


def require_allowed_key(key: object) -> PublicKey:
    """Refuse public keys that we would not certify. Raises `InvalidKey`; returns the key, its type
    narrowed.
    """
    match key:
        case rsa.RSAPublicKey():
            if key.key_size not in RSA_SIZES:
                words = _n("An RSA key of %(size)d bits is refused; accepted are %(choices)s.")
                raise InvalidKey(
                    words,
                    field="key.size",
                    size=key.key_size,
                    choices=", ".join(map(str, RSA_SIZES)),
                )
            if key.public_numbers().e != RSA_EXPONENT:
                raise InvalidKey(_n("An RSA key must have the public exponent 65537."), field="key")
            return key
        case ec.EllipticCurvePublicKey():
            if not isinstance(key.curve, tuple(type(curve) for curve in CURVES.values())):
                words = _n("The curve %(curve)s is refused; accepted are P-256, P-384 and P-521.")
                raise InvalidKey(words, field="key.size", curve=key.curve.name)
            return key
        case ed25519.Ed25519PublicKey():
            return key
    raise InvalidKey(_n("Only RSA, ECDSA and Ed25519 keys are accepted."), field="key.algo")


def key_spec_of(key: PublicKey) -> KeySpec:
    """Describe a public key as cfssl's `key` does; `str()` of it is "RSA 2048", "ECDSA P-256" or
    "Ed25519".
    """
    match key:
        case rsa.RSAPublicKey():
            return KeySpec(algo="rsa", size=key.key_size)
        case ec.EllipticCurvePublicKey():
            return KeySpec(algo="ecdsa", size=key.curve.key_size)
    return KeySpec(algo="ed25519", size=0)


def describe_key(key: PublicKey) -> str:
    """Name a public key as people do: "RSA 2048", "ECDSA P-256", "Ed25519"."""
    return str(key_spec_of(key))


def private_key_pem(key: PrivateKey) -> str:
    """Write PEM under cfssl's labels (RSA: PKCS#1, ECDSA: SEC1); Ed25519 as PKCS#8, since nothing
    reads cfssl's label.
    """
    old = not isinstance(key, ed25519.Ed25519PrivateKey)
    form = PrivateFormat.TraditionalOpenSSL if old else PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode("ascii")


def private_key_der(key: PrivateKey) -> bytes:
    """Write unencrypted PKCS#8 DER: the form to seal."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def spki_sha256(key: PublicKey) -> str:
    """Return the SHA-256 of the SubjectPublicKeyInfo in lowercase hex: the identity of a key."""
    return hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def signature_hash_for(spec: KeySpec) -> str:
    """Return the hash with which a key of this kind signs in cfssl: SHA256, SHA384, SHA512, empty
    for Ed25519.
    """
    match spec.algo:
        case "rsa":
            return "SHA512" if spec.size >= 4096 else "SHA384" if spec.size >= 3072 else "SHA256"
        case "ecdsa":
            return {256: "SHA256", 384: "SHA384"}.get(spec.size, "SHA512")
    return ""


def hash_algorithm(name: str) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Return the hash that `signature_hash_for` named; None for Ed25519."""
    return _HASHES[name]() if name else None
