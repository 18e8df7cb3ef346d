"""Private keys at rest."""

from __future__ import annotations

from aggportal.vault.models import SealedRecord


class SealedKey(SealedRecord):
    """A private key (PKCS#8 DER), sealed; `binding` is the SHA-256 of its public key
    (SubjectPublicKeyInfo, hex).
    """
