"""ID tokens: each thing that must be right is wrong once."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from aggportal.accounts.id_tokens import IdTokenRefused, verified_claims

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
ISSUER, CLIENT, NONCE = "https://idp.example.org", "portal", "n-0S6_WzA2Mj"


def _published(key: Any, kid: str, algorithm: str = "RS256") -> dict[str, Any]:
    kind = jwt.get_algorithm_by_name(algorithm)
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "alg": algorithm}


KEYS = {"keys": [_published(KEY, "a"), _published(CURVE, "c", "ES256")]}


def _claims(**changed: object) -> dict[str, object]:
    now = int(time.time())
    right = {"iss": ISSUER, "sub": "x", "aud": CLIENT, "exp": now + 60, "iat": now, "nonce": NONCE}
    return {name: value for name, value in {**right, **changed}.items() if value is not None}


def _token(
    key: Any = KEY, algorithm: str = "RS256", kid: str | None = "a", **claims: object
) -> str:
    headers = {"kid": kid} if kid else None
    return jwt.encode(_claims(**claims), key, algorithm=algorithm, headers=headers)


def _read(token: str, keys: object = KEYS) -> dict[str, Any]:
    return verified_claims(token, keys=keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE)


def test_a_right_token_is_read() -> None:
    assert _read(_token())["sub"] == "x"
    assert _read(_token(CURVE, "ES256", "c"))["sub"] == "x"
    assert _read(_token(aud=[CLIENT, "another"], azp=CLIENT))["sub"] == "x"
    assert _read(_token(kid=None), {"keys": KEYS["keys"][:1]})["sub"] == "x"


FAR = 4_000_000_000
WRONG: dict[str, dict[str, Any]] = {
    "audience": {"aud": "another"},
    "several audiences": {"aud": [CLIENT, "another"]},
    "party": {"azp": "another"},
    "issuer": {"iss": "https://idp.example.org.evil.example"},
    "nonce": {"nonce": "another"},
    "empty nonce": {"nonce": ""},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_600_000_000},
    "never expires": {"exp": None},
    "of the future": {"iat": FAR},
    "not yet": {"nbf": FAR},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_claim_is_refused(what: str) -> None:
    with pytest.raises(IdTokenRefused):
        _read(_token(**WRONG[what]))


def _unsigned() -> str:
    return jwt.encode(_claims(), "", algorithm="none")


FORGED = {
    "by another key": _token(OTHER),
    "by a key that is not published": _token(OTHER, kid="b"),
    "by nobody": _unsigned(),
    "by a shared secret": _token("s" * 64, "HS256"),
    "by the key of another algorithm": _token(KEY, "PS256"),
    "without a name where there are several": _token(kid=None),
    "cut off": _token()[:-4],
    "no token": "x",
    "nothing": "",
}


@pytest.mark.parametrize("how", FORGED)
def test_a_wrong_signature_is_refused(how: str) -> None:
    with pytest.raises(IdTokenRefused):
        _read(FORGED[how])


@pytest.mark.parametrize("keys", [None, [], {}, {"keys": []}, {"keys": [{"kty": "RSA"}]}, "x"])
def test_odd_keys_are_refused(keys: object) -> None:
    with pytest.raises(IdTokenRefused):
        _read(_token(), keys)


def test_the_nonce_must_have_been_asked_for() -> None:
    with pytest.raises(IdTokenRefused):
        verified_claims(_token(nonce=""), keys=KEYS, issuer=ISSUER, client_id=CLIENT, nonce="")
