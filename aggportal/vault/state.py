"""Whether keys can be opened: what the bar, the dashboard and the probe say of it."""

from __future__ import annotations

from dataclasses import dataclass

from aggportal.vault import tokens
from aggportal.vault.configured import SealedPortal, provider
from aggportal.vault.errors import NoKey
from aggportal.vault.rotating import is_under_unknown_key
from aggportal.words import Sentence, gettext_noop


@dataclass(frozen=True, kw_only=True, slots=True)
class VaultState:
    """`why` nothing can be signed or opened (None: it can); `is_sealed` where a passphrase mends
    it; `kek_id` names the key that is here; `is_partly` where only some keys are missing.
    """

    why: Sentence | None = None
    is_sealed: bool = False
    is_partly: bool = False
    kek_id: str = ""


def vault_state() -> VaultState:
    """Tell by the key's files alone; quick enough for every page."""
    try:
        return VaultState(kek_id=provider().kek_id)
    except SealedPortal as sealed:
        return VaultState(why=sealed.sentence, is_sealed=True)
    except NoKey as missing:
        return VaultState(why=missing.sentence)


def whole_vault_state() -> VaultState:
    """Tell also whether the key is the one that the database belongs to, and the token answers."""
    state = vault_state()
    if state.why is not None:
        return state
    if is_under_unknown_key(provider()):
        return VaultState(
            why=Sentence(
                text=gettext_noop(
                    "Stored keys are under another key-encryption key than the portal runs with "
                    "(%(present)s). Start it with the one that belongs to this database."
                ),
                params={"present": state.kek_id},
            ),
            is_partly=True,
            kek_id=state.kek_id,
        )
    return _with_token(state)


def _with_token(state: VaultState) -> VaultState:
    if not tokens.is_configured():
        return state
    try:
        tokens.require_answers()
    except NoKey as gone:
        return VaultState(why=gone.sentence, is_partly=True, kek_id=state.kek_id)
    return state


def signing_word() -> str:
    """Say in one word for the readiness probe, which everybody may ask."""
    state = whole_vault_state()
    if state.why is None:
        return "ok"
    return "sealed" if state.is_sealed else "partly" if state.is_partly else "no key"
