"""ID tokens (OpenID Connect Core 1.0 section 3.1.3.7), always with their signature.

django-allauth leaves the signature out where the token came over TLS, and asks for no nonce.
"""

from __future__ import annotations

import hmac
from typing import Any

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error

# Signatures by a public key; never a shared secret, never "none".
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]
# How far the clocks of the provider and ours may differ. In seconds.
LEEWAY = 30


class IdTokenRefused(OAuth2Error):
    """The token does not prove what it must. The text is for the log and holds no token."""


def verified_claims(
    token: str, *, keys: object, issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """Return the claims of a token that `issuer` signed for us, now, in answer to `nonce`.

    `keys` is the provider's JWK set, as JSON gave it. Raises IdTokenRefused.
    """
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise IdTokenRefused(f"signed by {str(algorithm)[:20]!r}, which is not taken")
        claims: dict[str, Any] = jwt.decode(
            token,
            key=_key(keys, header.get("kid")),
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY,
            options={"require": REQUIRED},
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise IdTokenRefused(type(exc).__name__) from exc
    _require_for_us(claims, client_id=client_id)
    if not nonce or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise IdTokenRefused("the nonce is not ours")
    return claims


def _require_for_us(claims: dict[str, Any], *, client_id: str) -> None:
    """Among several audiences the token names the one it was issued to (`azp`)."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    party = claims.get("azp")
    if (several and party is None) or (party is not None and party != client_id):
        raise IdTokenRefused("issued to another party")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise IdTokenRefused("no subject")


def _key(keys: object, kid: str | None) -> jwt.PyJWK:
    found = jwt.PyJWKSet.from_dict(keys).keys if isinstance(keys, dict) else []
    fitting = [key for key in found if kid is None or key.key_id == kid]
    if not fitting or (kid is None and len(fitting) > 1):
        raise IdTokenRefused("signed by a key that the provider does not publish")
    return fitting[0]
