"""A sealed secret as a row. Abstract: each app keeps its own table of them."""

from __future__ import annotations

import uuid

from django.db import models

from aggportal.vault import configured
from aggportal.vault.envelope import KeyProvider, Sealed, seal, unseal


class SealedRecord(models.Model):
    """One secret, encrypted before it reaches the database. `purpose` and `binding` are part of
    what it is bound to.

    `binding` is a public fact of the secret that must not be swapped: SHA-256 of the public key for
    a private key.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=40)
    binding = models.CharField(max_length=128)
    algorithm = models.CharField(max_length=20)
    kek_id = models.CharField(max_length=16, db_index=True)
    wrapped_key = models.BinaryField()
    nonce = models.BinaryField()
    ciphertext = models.BinaryField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"

    def context(self) -> str:
        """Return the associated data that ties the ciphertext to this row and purpose."""
        return f"aggportal/v1|{self._meta.db_table}|{self.id}|{self.binding}|{self.purpose}"

    def seal(self, secret: bytes) -> None:
        """Encrypt `secret` into this row (not saved yet)."""
        sealed = seal(secret, context=self.context(), provider=configured.provider())
        self.algorithm, self.kek_id = sealed.algorithm, sealed.kek_id
        self.wrapped_key, self.nonce, self.ciphertext = (
            sealed.wrapped_key,
            sealed.nonce,
            sealed.ciphertext,
        )

    def open(self) -> bytes:
        """Decrypt the secret. Raises CannotOpen or NoKey.

        The caller keeps it no longer than it must.
        """
        keys = configured.provider()
        if self.kek_id not in keys.kek_ids:
            self._read_again()
        sealed = Sealed(
            algorithm=self.algorithm,
            kek_id=self.kek_id,
            wrapped_key=bytes(self.wrapped_key),
            nonce=bytes(self.nonce),
            ciphertext=bytes(self.ciphertext),
        )
        return unseal(sealed, context=self.context(), provider=keys)

    def _read_again(self) -> None:
        """Take what the database has now: a rotation may have wrapped the row anew, and dropped the
        key, since it was read.
        """
        rows = type(self)._default_manager.filter(pk=self.pk)
        for kek_id, wrapped in rows.values_list("kek_id", "wrapped_key"):
            self.kek_id, self.wrapped_key = kek_id, wrapped

    def rewrapped(self, keys: KeyProvider) -> tuple[str, bytes]:
        """Return name and wrapped data key under the key that wraps now; the secret stays shut.

        Raises CannotOpen.
        """
        bound = self.context().encode()
        data_key = keys.unwrap(bytes(self.wrapped_key), context=bound, kek_id=self.kek_id)
        return keys.kek_id, keys.wrap(data_key, context=bound)
