"""An authority's profiles as values."""

from __future__ import annotations

from functools import lru_cache

from aggportal.certs.models import Authority
from aggportal.pki.config import SigningConfig, parse_config


def config_of(authority: Authority) -> SigningConfig:
    """Return the profiles of `authority`; the same text is read once per process."""
    return _read(authority.signing_config)


@lru_cache(maxsize=128)
def _read(text: str) -> SigningConfig:
    return parse_config(text)
