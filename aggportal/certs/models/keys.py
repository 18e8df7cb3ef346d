"""Private keys at rest."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy

from aggportal.vault.models import SealedRecord

HELD_ELSEWHERE = "authority-token-key"


class KeyHome(models.TextChoices):
    """Where an authority's key is made and lives."""

    DATABASE = "database", gettext_lazy("sealed in the database")
    TOKEN = "token", gettext_lazy("in a token (PKCS#11), which it never leaves")


class SealedKey(SealedRecord):
    """A private key (PKCS#8 DER), sealed; `binding` is the SHA-256 of its public key
    (SubjectPublicKeyInfo, hex). Of a key in a token it holds only where the key lies.
    """

    @property
    def home(self) -> KeyHome:
        """Where the key lives. Nothing is opened to tell."""
        return KeyHome.TOKEN if self.purpose == HELD_ELSEWHERE else KeyHome.DATABASE
