"""The vault as the settings configure it: what apps call to seal and open."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from aggportal.vault.errors import NoKey
from aggportal.vault.keyfiles import require_apart
from aggportal.vault.providers import LocalKey, key_from_file, key_from_text
from aggportal.vault.ring import FollowedKeys, KeyPlaces, KeyRing
from aggportal.vault.runtime import runtime_folder
from aggportal.words import gettext_noop

FILE, PASSPHRASE = "file", "passphrase"


class SealedPortal(NoKey):
    """The key is here under a passphrase, and nobody has said it since the start."""

    code = "sealed_portal"


def provider() -> KeyRing:
    """Return the key provider of this installation. Raises NoKey with words where there is none."""
    if settings.KEY_PROVIDER == PASSPHRASE:
        return _UNSEALED.ring(KeyPlaces(present=runtime_place()))
    if settings.KEK:
        return KeyRing(wrapping=key_from_text(settings.KEK))
    return _FILES.ring(KeyPlaces(present=settings.KEK_FILE))


def runtime_place() -> Path:
    """Return where the unsealed key is handed to the processes of this machine."""
    return runtime_folder(settings.RUNTIME_DIR) / "kek"


def key_places() -> KeyPlaces:
    """Return the places of the present, next and previous key; in the passphrase's case those of
    the files that hold them under it.
    """
    is_under_passphrase = settings.KEY_PROVIDER == PASSPHRASE
    return KeyPlaces(present=settings.PASSPHRASE_FILE if is_under_passphrase else settings.KEK_FILE)


def _from_file(path: Path) -> LocalKey:
    require_apart(path, trees=[settings.DATABASE_DIR, *settings.KEYS_APART_FROM])
    return key_from_file(path)


def _unsealed(path: Path) -> LocalKey:
    if not path.exists():
        raise SealedPortal(
            gettext_noop(
                "The portal is sealed: since its start nobody has said the passphrase of its key. "
                "Reading works; signing and opening keys wait until an administrator unseals it."
            )
        )
    return key_from_file(path)


_FILES, _UNSEALED = FollowedKeys(_from_file), FollowedKeys(_unsealed)
