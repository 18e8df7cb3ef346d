"""The vault as the settings configure it: what apps call to seal and open."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from aggportal.vault.envelope import KeyProvider
from aggportal.vault.providers import LocalKey, key_from_file, key_from_text


def provider() -> KeyProvider:
    """Return the key provider of this installation. Raises NoKey with words where there is none."""
    return _local_key(settings.KEK, settings.KEK_FILE)


@lru_cache(maxsize=4)
def _local_key(text: str, path: Path) -> LocalKey:
    return key_from_text(text) if text else key_from_file(path)
