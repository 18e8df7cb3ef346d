"""Private keys as other programs leave them, to be kept here: every common file form, opened.

PKCS#1, SEC1 and PKCS#8, plain, encrypted (RFC 5958) or with OpenSSL's older PEM encryption
(Proc-Type and DEK-Info, RFC 1421), cfssl's own label for Ed25519, PEM or DER. What comes out is a
key that we would certify, strong, and whose halves were proven to belong together.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from aggportal.pki.armour import NothingFound, Piece, pieces_of
from aggportal.pki.asn1 import read_der
from aggportal.pki.errors import InvalidKey, PkiError
from aggportal.pki.keys import MAX_KEY_BYTES, PrivateKey, require_allowed_key
from aggportal.pki.shapes import Shape, shape_of, shape_of_label
from aggportal.pki.thing_keys import PassphraseNeeded, UnreadableKey, require_affordable_key
from aggportal.pki.weakkeys import require_strong_key
from aggportal.words import gettext_noop as _n

# The label that cfssl writes and no library reads; inside is PKCS#8.
CFSSL_ED25519 = "Ed25519 PRIVATE KEY"
_PROBE = b"the two halves of one key"


def read_private_key(data: bytes, *, passphrase: str = "") -> PrivateKey:
    """Read exactly one private key of any form but PKCS#12, which holds more than a key.

    Raises `InvalidKey` (`WeakKey`), `UnreadableKey`, `PassphraseNeeded`, `TooCostly`, `InvalidDer`.
    """
    pieces = [p for p in _pieces(data) if shape_of_piece(p) is not Shape.PARAMETERS]
    if len(pieces) != 1 or shape_of_piece(pieces[0]) is not Shape.PRIVATE_KEY:
        raise UnreadableKey(_n("Give exactly one private key and nothing else."))
    return open_private_key(pieces[0], passphrase=passphrase)


def _pieces(data: bytes) -> tuple[Piece, ...]:
    try:
        return pieces_of(data)
    except NothingFound as error:
        raise UnreadableKey(_n("This is not a private key that can be read.")) from error


def shape_of_piece(piece: Piece) -> Shape:
    """Tell what a piece is by its label, or by its DER where it has none."""
    if piece.label:
        return shape_of_label(piece.label)
    try:
        return shape_of(read_der(piece.der))
    except PkiError:
        return Shape.UNKNOWN


def open_private_key(piece: Piece, *, passphrase: str = "") -> PrivateKey:
    """Open one piece that is a private key. Raises what `read_private_key` does."""
    if len(piece.block or piece.der) > MAX_KEY_BYTES:
        raise UnreadableKey(_n("This is too large for a private key."))
    is_legacy = b"Proc-Type:" in piece.block
    if not is_legacy:
        if piece.is_damaged:
            raise UnreadableKey(_n("The private key is damaged: its text is not base64, or cut."))
        require_affordable_key(piece.der)
    key = _load(piece, is_legacy=is_legacy, passphrase=passphrase)
    return require_own_halves(key)


def _load(piece: Piece, *, is_legacy: bool, passphrase: str) -> PrivateKey:
    """Load twice: the size is known, and refused, before the primes of a large key are checked."""
    is_pem = is_legacy or (bool(piece.label) and piece.label != CFSSL_ED25519)
    data = piece.block if is_pem else piece.der
    load = load_pem_private_key if is_pem else load_der_private_key
    secret = passphrase.encode() or None
    key: object = None
    for unchecked in (True, False):
        try:
            key = load(data, secret, unsafe_skip_rsa_key_validation=unchecked)
        except TypeError as error:
            if secret is None:
                raise PassphraseNeeded(
                    _n("This private key is encrypted. Give its passphrase too."),
                    field="passphrase",
                ) from error
            # The passphrase was given for something else; this key needs none.
            return _load(piece, is_legacy=is_legacy, passphrase="")
        except (ValueError, UnsupportedAlgorithm, OverflowError) as error:
            raise _unreadable(error, is_locked=bool(secret)) from error
        if not isinstance(key, PrivateKey):
            raise InvalidKey(_n("Only RSA, ECDSA and Ed25519 keys are accepted."))
        require_allowed_key(key.public_key())
    assert isinstance(key, PrivateKey)  # noqa: S101  # the loop refused everything else
    return key


def _unreadable(error: Exception, *, is_locked: bool) -> PkiError:
    if is_locked and any(hint in str(error).lower() for hint in ("password", "decrypt")):
        return PassphraseNeeded(
            _n("The passphrase does not open this private key."), field="passphrase"
        )
    return UnreadableKey(_n("This private key is damaged, or of a kind that is not known here."))


def require_own_halves(key: PrivateKey) -> PrivateKey:
    """Refuse a weak key, and one whose public half is another key's: files may state both.

    Raises `InvalidKey`; returns the key.
    """
    require_strong_key(require_allowed_key(key.public_key()))
    try:
        _sign_and_verify(key)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm) as error:
        raise InvalidKey(
            _n(
                "The private and the public half in this key do not belong together: it is "
                "damaged, or made to deceive."
            )
        ) from error
    return key


def _sign_and_verify(key: PrivateKey) -> None:
    match key:
        case rsa.RSAPrivateKey():
            signed = key.sign(_PROBE, padding.PKCS1v15(), hashes.SHA256())
            key.public_key().verify(signed, _PROBE, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            signed = key.sign(_PROBE, ec.ECDSA(hashes.SHA256()))
            key.public_key().verify(signed, _PROBE, ec.ECDSA(hashes.SHA256()))
        case _:
            key.public_key().verify(key.sign(_PROBE), _PROBE)
