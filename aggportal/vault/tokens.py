"""A PKCS#11 token (an HSM, SoftHSM2 in tests) that makes and keeps authorities' keys: they never
leave it, and what is to be signed goes in.

One session for a process, used by one thread at a time; where it broke, it is opened once more.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from django.conf import settings

from aggportal.vault.errors import NoKey, VaultError
from aggportal.words import gettext_noop

_T = TypeVar("_T")
_ID_BYTES = 16
_LOCK = threading.RLock()
_KEPT: dict[tuple[str, str, str], Any] = {}
# A token locks itself after a few wrong PINs: a refused one is not tried again by this process.
_REFUSED_PINS: set[tuple[str, str, str]] = set()


class TokenGone(NoKey):
    """The token does not answer."""

    code = "token_gone"

    @classmethod
    def said(cls) -> TokenGone:
        """Say which token, and what to look at."""
        return cls(
            gettext_noop(
                "The token %(token)s, which holds the key, does not answer. Look whether it is "
                "plugged in, its module runs and its PIN is right; until then nothing is signed "
                "with that key."
            ),
            token=settings.PKCS11_TOKEN or "–",
        )


class TokenRefused(VaultError):
    """The token cannot make such a key."""

    code = "token_refused"
    status = 409


class StaysInToken(VaultError):
    """Somebody would take a key that never leaves its token."""

    code = "stays_in_token"
    status = 409

    @classmethod
    def said(cls) -> StaysInToken:
        """Say that the key cannot be taken."""
        return cls(
            gettext_noop(
                "This key was made in a token (PKCS#11) and cannot leave it, not even encrypted: "
                "that is what the token is for."
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenKey:
    """Where a key lies: the token's label, and the key's CKA_ID in hex."""

    token: str
    key_id: str


def is_configured() -> bool:
    """Tell whether the settings name a token."""
    return bool(settings.PKCS11_MODULE and settings.PKCS11_TOKEN)


def make_rsa_key(bits: int, *, label: str) -> TokenKey:
    """Make an RSA key in the token: sensitive, not extractable, for signatures alone.

    Raises TokenGone, TokenRefused.
    """
    return _made(
        lambda p, session, how: session.generate_keypair(p.KeyType.RSA, bits, **how), label
    )


def make_ec_key(curve_oid: str, *, label: str) -> TokenKey:
    """Make a key on the named curve in the token. As `make_rsa_key`."""

    def make(p: ModuleType, session: Any, how: dict[str, Any]) -> object:
        from pkcs11.util.ec import encode_named_curve_parameters

        params = {p.Attribute.EC_PARAMS: encode_named_curve_parameters(curve_oid)}
        domain = session.create_domain_parameters(p.KeyType.EC, params, local=True)
        return domain.generate_keypair(**how)

    return _made(make, label)


def public_key_der(key: TokenKey) -> bytes:
    """Return the SubjectPublicKeyInfo (DER) of a key. Raises TokenGone."""

    def read(p: ModuleType, session: Any) -> bytes:
        found = session.get_key(object_class=p.ObjectClass.PUBLIC_KEY, id=bytes.fromhex(key.key_id))
        from pkcs11.util.ec import encode_ec_public_key
        from pkcs11.util.rsa import encode_rsa_public_key

        if found.key_type == p.KeyType.EC:
            return bytes(encode_ec_public_key(found))
        return bytes(encode_rsa_public_key(found))

    return _asked(key, read)


def sign_digest(key: TokenKey, digest: bytes) -> bytes:
    """Return an ECDSA signature of a digest, r and s side by side. Raises TokenGone."""

    def sign(p: ModuleType, session: Any) -> bytes:
        return bytes(_private(p, session, key).sign(digest, mechanism=p.Mechanism.ECDSA))

    return _asked(key, sign)


def sign_rsa(key: TokenKey, data: bytes, *, hash_name: str) -> bytes:
    """Return an RSASSA-PKCS1-v1_5 signature of `data` under sha256, sha384 or sha512."""

    def sign(p: ModuleType, session: Any) -> bytes:
        mechanism = p.Mechanism[f"{hash_name.upper()}_RSA_PKCS"]
        return bytes(_private(p, session, key).sign(data, mechanism=mechanism))

    return _asked(key, sign)


def destroy_key(key: TokenKey) -> None:
    """Delete both halves of a key whose authority came to nothing. Raises TokenGone."""

    def destroy(p: ModuleType, session: Any) -> None:
        for found in list(session.get_objects({p.Attribute.ID: bytes.fromhex(key.key_id)})):
            found.destroy()

    _asked(key, destroy)


def require_answers() -> None:
    """Ask the configured token for a random byte. Raises TokenGone."""
    _with_session(lambda p, session: session.generate_random(8))


def _made(make: Callable[[ModuleType, Any, dict[str, Any]], object], label: str) -> TokenKey:
    key_id = secrets.token_bytes(_ID_BYTES)

    def work(p: ModuleType, session: Any) -> None:
        kept = {
            p.Attribute.SENSITIVE: True,
            p.Attribute.EXTRACTABLE: False,
            p.Attribute.PRIVATE: True,
            p.Attribute.DECRYPT: False,
            p.Attribute.UNWRAP: False,
        }
        how = {"id": key_id, "label": label, "store": True, "private_template": kept}
        try:
            make(p, session, {**how, "capabilities": p.MechanismFlag.SIGN | p.MechanismFlag.VERIFY})
        except _refusals(p) as exc:
            raise TokenRefused(
                gettext_noop("The token cannot make such a key. Choose another kind or size."),
                field="key.algo",
            ) from exc

    _with_session(work)
    return TokenKey(token=settings.PKCS11_TOKEN, key_id=key_id.hex())


def _refusals(p: ModuleType) -> tuple[type[Exception], ...]:
    e = p.exceptions
    return (e.MechanismInvalid, e.MechanismParamInvalid, e.KeySizeRange, e.AttributeValueInvalid)


def _private(p: ModuleType, session: Any, key: TokenKey) -> Any:
    return session.get_key(object_class=p.ObjectClass.PRIVATE_KEY, id=bytes.fromhex(key.key_id))


def _asked(key: TokenKey, work: Callable[[ModuleType, Any], _T]) -> _T:
    if key.token != settings.PKCS11_TOKEN:
        raise TokenGone.said()
    return _with_session(work)


def _with_session(work: Callable[[ModuleType, Any], _T]) -> _T:
    """Do `work` in the session; where that broke, once more in a new one. Raises TokenGone."""
    if not is_configured():
        raise TokenGone.said()
    import pkcs11

    with _LOCK:
        try:
            return work(pkcs11, _session(pkcs11))
        except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinLocked) as exc:
            _REFUSED_PINS.add(_wanted())
            raise TokenGone.said() from exc
        except (pkcs11.PKCS11Error, RuntimeError, OSError):
            _forget()
        try:
            return work(pkcs11, _session(pkcs11))
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as exc:
            _forget()
            raise TokenGone.said() from exc


def _session(pkcs11: ModuleType) -> Any:
    wanted = _wanted()
    if wanted in _REFUSED_PINS:
        raise TokenGone.said()
    if wanted not in _KEPT:
        _forget()
        module, token, pin = wanted
        found = pkcs11.lib(module).get_token(token_label=token)
        _KEPT[wanted] = found.open(user_pin=pin, rw=True)
    return _KEPT[wanted]


def _wanted() -> tuple[str, str, str]:
    return settings.PKCS11_MODULE, settings.PKCS11_TOKEN, settings.PKCS11_PIN


def _forget() -> None:
    """Close what is open; a session that broke may be closed already."""
    import pkcs11

    for session in _KEPT.values():
        try:
            session.close()
        except (pkcs11.PKCS11Error, RuntimeError):
            continue
    _KEPT.clear()
