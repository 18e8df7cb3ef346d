"""Several key-encryption keys at once: the present one, and while keys rotate the next and the
previous one. Processes follow the files, so that a rotation needs no restart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aggportal.vault.errors import CannotOpen, NoKey
from aggportal.vault.providers import LocalKey, key_from_file
from aggportal.words import gettext_noop

_Seen = tuple[int, int, int, int] | None
# The files change three times in a rotation; who reads meanwhile reads again.
_TRIES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRing:
    """Wraps with one key and unwraps with any it holds (`KeyProvider`)."""

    wrapping: LocalKey
    others: tuple[LocalKey, ...] = ()

    @property
    def kek_id(self) -> str:
        """Name of the key that wraps."""
        return self.wrapping.kek_id

    @property
    def kek_ids(self) -> frozenset[str]:
        """Names of all keys that are held."""
        return frozenset(key.kek_id for key in (self.wrapping, *self.others))

    def wrap(self, data_key: bytes, *, context: bytes) -> bytes:
        """Encrypt a data key under the newest key."""
        return self.wrapping.wrap(data_key, context=context)

    def unwrap(self, wrapped: bytes, *, context: bytes, kek_id: str) -> bytes:
        """Decrypt a data key under whichever key is named; CannotOpen where none fits."""
        for key in (self.wrapping, *self.others):
            if key.kek_id == kek_id:
                return key.unwrap(wrapped, context=context, kek_id=kek_id)
        raise CannotOpen.other_key(wanted=kek_id, present=self.kek_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPlaces:
    """Where the keys lie: the present one, and beside it the two that a rotation brings."""

    present: Path

    @property
    def next(self) -> Path:
        """The key that takes the place of the present one; while it is there, it wraps."""
        return self.present.with_name(f"{self.present.name}.next")

    @property
    def previous(self) -> Path:
        """The key whose place was taken; it opens until nothing is under it any more."""
        return self.present.with_name(f"{self.present.name}.previous")

    def seen(self) -> tuple[_Seen, ...]:
        """Tell the state of the three files: what is read is good for as long as this is equal."""
        return tuple(_seen(path) for path in (self.present, self.next, self.previous))


class FollowedKeys:
    """The keys of `places`, read anew whenever a file was changed, came or went.

    A key whose file went is not kept: that is how the portal is sealed again.
    """

    def __init__(self, read: Callable[[Path], LocalKey] = key_from_file) -> None:
        self._read = read
        self._kept: tuple[KeyPlaces, tuple[_Seen, ...], KeyRing] | None = None

    def ring(self, places: KeyPlaces) -> KeyRing:
        """Return the keys as the files have them now. Raises NoKey."""
        for _try in range(_TRIES):
            seen, kept = places.seen(), self._kept
            if kept is not None and kept[:2] == (places, seen):
                return kept[2]
            self._kept = None
            try:
                ring = self._assembled(places, seen)
            except NoKey:
                if places.seen() != seen:
                    continue
                raise
            if places.seen() == seen:
                self._kept = (places, seen, ring)
                return ring
        raise NoKey(
            gettext_noop("The files of the key-encryption key change all the time. Try again.")
        )

    def _assembled(self, places: KeyPlaces, seen: tuple[_Seen, ...]) -> KeyRing:
        _present, following, previous = seen
        present = self._read(places.present)
        before = (self._read(places.previous),) if previous else ()
        if following:
            return KeyRing(wrapping=self._read(places.next), others=(present, *before))
        return KeyRing(wrapping=present, others=before)


def _seen(path: Path) -> _Seen:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns, told.st_size, told.st_mode
