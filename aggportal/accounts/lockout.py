"""How long a name or an address that failed too often must wait.

django-allauth counts: it keeps the moments of failed tries in the shared cache, by name and by
address. Here they are read, to say when a try counts again.
"""

from __future__ import annotations

import hashlib
import math
import time

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import ngettext

APP, ACTION = "allauth.account", "login_failed"


def seconds_left(request: HttpRequest, *, key: str) -> float:
    """Return how long nothing is tried any more for `key` or for the request's address; 0: now."""
    now = time.time()
    waits = [0.0]
    for rate in ratelimit.get_rates(app=APP, action=ACTION):
        name = ratelimit.get_cache_key(request, app=APP, action=ACTION, rate=rate, key=key)
        tries = sorted(cache.get(name, []))
        if len(tries) >= rate.amount:
            waits.append(tries[-rate.amount] + rate.duration - now)
    return max(waits)


def words_for(seconds: float) -> str:
    """Say when to try again."""
    minutes = max(1, math.ceil(seconds / 60))
    return ngettext(
        "Too many tries failed, so nothing is tried for now. Try again in %(minutes)d minute; a "
        "passkey works meanwhile.",
        "Too many tries failed, so nothing is tried for now. Try again in %(minutes)d minutes; a "
        "passkey works meanwhile.",
        minutes,
    ) % {"minutes": minutes}


def is_first_notice(request: HttpRequest, *, key: str, seconds: float) -> bool:
    """Tell whether this lockout was not seen yet, so that the ledger has it once."""
    address = ratelimit.get_ip(request)
    name = f"aggportal.lockout:{hashlib.sha256(f'{key} {address}'.encode()).hexdigest()}"
    return bool(cache.add(name, 1, timeout=max(1, math.ceil(seconds))))
