"""Why a secret cannot be sealed or opened."""

from __future__ import annotations

from typing import Self

from aggportal.words import RefusedError, gettext_noop


class VaultError(RefusedError):
    """Root of what goes wrong around sealed secrets.

    Answered as 503: nothing the person did is wrong.
    """

    status = 503


class NoKey(VaultError):
    """A key that lives outside the database is not there, or not usable."""

    code = "no_kek"


class CannotOpen(VaultError):
    """A sealed secret does not open."""

    code = "cannot_open"

    @classmethod
    def changed(cls) -> Self:
        """The ciphertext fails its authentication."""
        return cls(
            gettext_noop(
                "A stored secret does not open: its record was changed or moved in the "
                "database. Restore it from a "
                "backup, and find out who changed it."
            )
        )

    @classmethod
    def other_key(cls, *, wanted: str, present: str) -> Self:
        """The record was sealed under a key that is not here."""
        return cls(
            gettext_noop(
                "A stored secret was sealed under the key %(wanted)s, and the portal runs "
                "with %(present)s. Start it "
                "with the key-encryption key that belongs to this database."
            ),
            wanted=wanted,
            present=present,
        )
