"""Keys in a token, as cryptography's builders take them: they have a public half, they sign, and
everything else about them is refused.
"""

from __future__ import annotations

from typing import NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    NoDigestInfo,
    Prehashed,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_der_public_key

from aggportal.vault.tokens import (
    StaysInToken,
    TokenGone,
    TokenKey,
    public_key_der,
    sign_digest,
    sign_rsa,
)


class _InToken:
    """What both kinds share: where the key lies, and that it cannot be had."""

    def __init__(self, where: TokenKey) -> None:
        self.where = where

    def private_numbers(self) -> NoReturn:
        raise StaysInToken.said()

    def private_bytes(self, *_form: object, **_named: object) -> NoReturn:
        raise StaysInToken.said()

    def decrypt(self, *_what: object) -> NoReturn:
        raise StaysInToken.said()

    def exchange(self, *_with: object) -> NoReturn:
        raise StaysInToken.said()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.where!r})"


class TokenRsaKey(_InToken, rsa.RSAPrivateKey):
    """An RSA key in a token; signs RSASSA-PKCS1-v1_5, as all of the portal's certificates are."""

    def __init__(self, where: TokenKey, public: rsa.RSAPublicKey) -> None:
        super().__init__(where)
        self._public = public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    def sign(
        self,
        data: bytes,
        padding: padding.AsymmetricPadding,
        algorithm: Prehashed | hashes.HashAlgorithm | NoDigestInfo,
    ) -> bytes:
        if padding.name != "EMSA-PKCS1-v1_5" or not isinstance(algorithm, hashes.HashAlgorithm):
            raise StaysInToken.said()
        return sign_rsa(self.where, bytes(data), hash_name=algorithm.name)

    def __copy__(self) -> TokenRsaKey:
        return self

    def __deepcopy__(self, _memo: object) -> TokenRsaKey:
        return self


class TokenEcKey(_InToken, ec.EllipticCurvePrivateKey):
    """A key on a curve in a token; the digest is made here, the signature there."""

    def __init__(self, where: TokenKey, public: ec.EllipticCurvePublicKey) -> None:
        super().__init__(where)
        self._public = public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.curve.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(
        self,
        data: bytes | bytearray | memoryview,
        signature_algorithm: ec.EllipticCurveSignatureAlgorithm,
    ) -> bytes:
        algorithm = signature_algorithm.algorithm
        if not isinstance(algorithm, hashes.HashAlgorithm):
            raise StaysInToken.said()
        digest = hashes.Hash(algorithm)
        digest.update(data)
        raw = sign_digest(self.where, digest.finalize())
        half = len(raw) // 2
        return encode_dss_signature(
            int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
        )

    def __copy__(self) -> TokenEcKey:
        return self

    def __deepcopy__(self, _memo: object) -> TokenEcKey:
        return self


def load_token_key(where: TokenKey) -> TokenRsaKey | TokenEcKey:
    """Return the key as something that signs. Raises TokenGone."""
    public = load_der_public_key(public_key_der(where))
    if isinstance(public, rsa.RSAPublicKey):
        return TokenRsaKey(where, public)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return TokenEcKey(where, public)
    raise TokenGone.said()
