"""Handing over keys: which file holds which, in what order one takes another's place, and the
unsealed ones in the folder that the processes share.

Each step can be done twice, so whoever was killed in the middle is followed by another try.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from aggportal.vault.configured import PASSPHRASE, key_places, runtime_place
from aggportal.vault.errors import NoKey
from aggportal.vault.keyfiles import (
    new_key,
    sync_folder,
    write_key_file,
    write_private_text,
)
from aggportal.vault.passphrases import (
    Costs,
    WrongPassphrase,
    open_under,
    require_passphrase,
    seal_under,
    text_of,
)
from aggportal.vault.providers import LocalKey, key_from_file
from aggportal.vault.ring import KeyPlaces
from aggportal.words import gettext_noop


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsealed:
    """What a passphrase opened: names of the keys, and the files that need another passphrase."""

    kek_ids: tuple[str, ...]
    still_sealed: tuple[str, ...] = ()


def is_under_passphrase() -> bool:
    """Tell whether this installation's key lies under a passphrase."""
    return bool(settings.KEY_PROVIDER == PASSPHRASE)


def make_first_key(passphrase: str) -> bool:
    """Make the key of a new installation under a passphrase; False where there is one already.

    Raises WrongPassphrase for one that is too short.
    """
    require_passphrase(passphrase)
    path = key_places().present
    return not path.exists() and write_private_text(
        path, seal_under(passphrase, new_key(), costs=_costs())
    )


def open_keys(passphrase: str) -> tuple[Unsealed, dict[Path, bytes]]:
    """Open what the passphrase opens: the present key, and in a rotation those beside it; return
    also where each goes. Nothing is handed over yet.

    Raises WrongPassphrase where it opens none, NoKey where there is nothing to open.
    """
    kept, target = key_places(), KeyPlaces(present=runtime_place())
    opened: dict[Path, bytes] = {}
    shut: list[str] = []
    pairs = zip(_all_of(kept), _all_of(target), strict=True)
    for source, place in [pair for pair in pairs if pair[0].exists()] or [
        (kept.present, target.present)
    ]:
        try:
            opened[place] = open_under(passphrase, text_of(source))
        except WrongPassphrase:
            shut.append(source.name)
    if not opened:
        raise WrongPassphrase.said()
    ids = tuple(LocalKey(key=key).kek_id for key in opened.values())
    return Unsealed(kek_ids=ids, still_sealed=tuple(shut)), opened


def hand_over(opened: dict[Path, bytes]) -> None:
    """Put opened keys where the processes of this machine find them, the present one last."""
    for place, key in reversed(opened.items()):
        if not write_key_file(place, key) and key_from_file(place).key != key:
            place.unlink(missing_ok=True)
            write_key_file(place, key)


def seal_again() -> None:
    """Take the unsealed keys away: every process of this machine is sealed at its next question."""
    for place in _all_of(KeyPlaces(present=runtime_place())):
        place.unlink(missing_ok=True)


def make_next_key(passphrase: str = "") -> bool:
    """Put a new key beside the present one: from then on it wraps, and both open. False where it
    is there already. `passphrase` is for the new key, where keys lie under one.

    Raises NoKey with words where it cannot be written.
    """
    _require_files()
    try:
        if not is_under_passphrase():
            _require_own_folder(key_places().present)
            return write_key_file(key_places().next, new_key())
        return _next_under_passphrase(passphrase)
    except OSError as exc:
        raise _unwritable(key_places().next) from exc


def _next_under_passphrase(passphrase: str) -> bool:
    kept, target = key_places(), KeyPlaces(present=runtime_place())
    if kept.next.exists():
        return False
    key = new_key()
    made = write_private_text(kept.next, seal_under(passphrase, key, costs=_costs()))
    return made and write_key_file(target.next, key)


def require_next_key() -> None:
    """Refuse to go on while the next key is sealed. Raises NoKey."""
    kept, *clear = _sets()
    if kept.next.exists() and any(not places.next.exists() for places in clear):
        raise NoKey(
            gettext_noop(
                "The key that comes next is sealed still. Say `manage.py unseal` with its "
                "passphrase first."
            )
        )


def put_next_in_place() -> None:
    """Let the next key be the present one, and the present one the previous, in every set of
    files. Raises NoKey with words where the files cannot be changed.
    """
    for places in _sets():
        if not places.next.exists():
            continue
        try:
            if not places.previous.exists():
                os.link(places.present, places.previous)
            places.next.replace(places.present)
            sync_folder(places.present.parent)
        except OSError as exc:
            raise _unwritable(places.present) from exc


def drop_previous() -> None:
    """Delete the previous key. Raises NoKey with words where the file cannot be deleted."""
    for places in reversed(_sets()):
        try:
            places.previous.unlink(missing_ok=True)
            sync_folder(places.present.parent)
        except OSError as exc:
            raise _unwritable(places.previous) from exc


def is_rotating() -> bool:
    """Tell whether there is a next key."""
    return any(places.next.exists() for places in _sets())


def has_previous() -> bool:
    """Tell whether the key that was replaced is still there."""
    return any(places.previous.exists() for places in _sets())


def seconds_since_made(clock: float | None = None) -> float:
    """Tell how long the present key has been there; since then everything new is sealed by it."""
    now = time.time() if clock is None else clock
    return max(now - key_places().present.stat().st_mtime, 0.0)


def _sets() -> list[KeyPlaces]:
    _require_files()
    kept = key_places()
    return [kept, KeyPlaces(present=runtime_place())] if is_under_passphrase() else [kept]


def _all_of(places: KeyPlaces) -> tuple[Path, Path, Path]:
    return places.present, places.next, places.previous


def _costs() -> Costs:
    return Costs(
        memory_kib=settings.PASSPHRASE_MEMORY_MIB * 1024, iterations=settings.PASSPHRASE_PASSES
    )


def _require_files() -> None:
    if settings.KEK and not is_under_passphrase():
        raise NoKey(
            gettext_noop(
                "The key comes from the environment (AGGPORTAL_KEK), where processes see no new "
                "one. Write its text into a file of mode 0600, name that in AGGPORTAL_KEK_FILE "
                "instead, restart web and worker, and begin again."
            )
        )


def _require_own_folder(path: Path) -> None:
    if not path.exists():
        raise NoKey(
            gettext_noop("There is no key file %(name)s whose key could be exchanged."),
            name=path.name,
        )


def _unwritable(path: Path) -> NoKey:
    return NoKey(
        gettext_noop(
            "The file %(name)s cannot be changed from here. Where the folder comes from a Secret, "
            "change the Secret: first add the new key as %(base)s.next and say `manage.py "
            "rotate_kek`; when it says that nothing is under the old key any more, make the new "
            "one %(base)s and the old one %(base)s.previous; after some minutes say it again, and "
            "take %(base)s.previous away."
        ),
        name=path.name,
        base=path.name.removesuffix(".next").removesuffix(".previous"),
    )
