"""Which ports the settings let us scan."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from aggportal.tls.targets import Ports, parse_ports


def allowed_ports() -> Ports:
    """Return the ports that may be connected to. ImproperlyConfigured names a wrong one."""
    return _ports(tuple(settings.SCAN_PORTS))


@lru_cache(maxsize=8)
def _ports(texts: tuple[str, ...]) -> Ports:
    try:
        return parse_ports(texts)
    except ValueError as exc:
        raise ImproperlyConfigured(f"AGGPORTAL_SCAN_PORTS: {exc}") from exc
