"""The one place where an authority's private key is opened: handed out to sign with, and dropped.

Whatever signs for an authority says `with signer_of(authority) as key`. A sealed key is opened in
memory; of one in a token (PKCS#11) only the right to sign is had. Python cannot wipe what a key
was in; processes that sign are not dumped instead (web.hardening).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from aggportal.certs.models import Authority, KeyHome, SealedKey
from aggportal.certs.models.keys import HELD_ELSEWHERE
from aggportal.ledger.models import Entry, Outcome
from aggportal.ledger.services import record
from aggportal.pki.errors import InvalidField, InvalidKey
from aggportal.pki.keys import (
    CURVES,
    KeySpec,
    PrivateKey,
    generate_key,
    load_private_key,
    private_key_der,
    require_key_spec,
    spki_sha256,
)
from aggportal.vault import tokens
from aggportal.vault.errors import CannotOpen
from aggportal.vault.token_keys import load_token_key
from aggportal.vault.tokens import TokenKey
from aggportal.web.actors import system_actor
from aggportal.words import gettext_noop as _n

_SEALED = "authority-key"
_REFUSED = "authority.key_refused"
# A key that does not open is asked for each minute, by the worker; the ledger has it once an hour.
_TOLD_FOR = dt.timedelta(hours=1)
_CURVE_OIDS = {256: "1.2.840.10045.3.1.7", 384: "1.3.132.0.34"}


@contextmanager
def signer_of(authority: Authority) -> Iterator[PrivateKey]:
    """Give the key that signs for `authority`, for as long as the block lasts.

    Raises NoKey (sealed, or the token is gone), and CannotOpen where what is stored is not the
    authority's key; the ledger has that.
    """
    key = _opened(authority)
    try:
        yield key
    finally:
        del key


@contextmanager
def new_authority_key(
    spec: KeySpec, *, home: KeyHome, label: str
) -> Iterator[tuple[PrivateKey, SealedKey]]:
    """Make a key for an authority, and the unsaved row that keeps it; where the block fails, a key
    in a token is destroyed again.

    Raises InvalidField for a kind that a token does not make, NoKey, TokenRefused.
    """
    if home != KeyHome.TOKEN:
        key = generate_key(spec)
        yield key, _row(key, private_key_der(key), purpose=_SEALED)
        return
    where = _made_in_token(spec, label=label)
    try:
        held = load_token_key(where)
        kept = json.dumps({"token": where.token, "id": where.key_id}).encode()
        yield held, _row(held, kept, purpose=HELD_ELSEWHERE)
    except BaseException:
        tokens.destroy_key(where)
        raise


def _row(key: PrivateKey, secret: bytes, *, purpose: str) -> SealedKey:
    row = SealedKey(purpose=purpose, binding=spki_sha256(key.public_key()))
    row.seal(secret)
    return row


def _made_in_token(spec: KeySpec, *, label: str) -> TokenKey:
    require_key_spec(spec)
    if spec.algo == "rsa":
        return tokens.make_rsa_key(spec.size, label=label)
    if spec.algo == "ecdsa" and spec.size in _CURVE_OIDS and spec.size in CURVES:
        return tokens.make_ec_key(_CURVE_OIDS[spec.size], label=label)
    raise InvalidField(
        _n(
            "The token makes RSA keys and keys on P-256 and P-384. Choose one of these, or let the "
            "key be sealed in the database."
        ),
        field="key_home",
    )


def _opened(authority: Authority) -> PrivateKey:
    try:
        key = _load(authority.key)
        if spki_sha256(key.public_key()) != authority.spki_sha256:
            raise CannotOpen.changed()
    except CannotOpen as refused:
        _tell(authority, refused)
        raise
    return key


def _load(row: SealedKey) -> PrivateKey:
    secret = row.open()
    try:
        if row.home == KeyHome.TOKEN:
            place = json.loads(secret)
            return load_token_key(TokenKey(token=place["token"], key_id=place["id"]))
        return load_private_key(secret)
    except InvalidKey as exc:
        raise CannotOpen.changed() from exc


def _tell(authority: Authority, refused: CannotOpen) -> None:
    """Write into the ledger that a stored key is not the authority's, once an hour."""
    now = timezone.now()
    lately = Entry.objects.filter(action=_REFUSED, object_id=authority.slug, at__gt=now - _TOLD_FOR)
    if lately.exists():
        return
    with transaction.atomic():
        record(
            _REFUSED,
            actor=system_actor("signer"),
            subject=("authority", authority.slug, authority.label),
            outcome=Outcome.FAILED,
            detail={"why": str(refused), "spki_sha256": authority.spki_sha256},
            at=now,
        )
