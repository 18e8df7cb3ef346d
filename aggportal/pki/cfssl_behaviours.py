"""Every silent behaviour of cfssl that would apply to an input, in words, and what happens here.

`cfssl_on_specs` and `cfssl_on_profiles` hold one small function for each.
"""

from __future__ import annotations

from aggportal.pki.cfssl_on_profiles import ON_PROFILES
from aggportal.pki.cfssl_on_specs import ON_SPECS
from aggportal.pki.errors import PkiError
from aggportal.pki.silences import Asked, Behaviour, Silence

__all__ = ["BEHAVIOURS", "Asked", "Silence", "silent_behaviours"]

BEHAVIOURS: tuple[Behaviour, ...] = (*ON_SPECS, *ON_PROFILES)


def silent_behaviours(asked: Asked) -> tuple[Silence, ...]:
    """Tell what cfssl would do silently; what happens differently here comes first.

    A behaviour that cannot be judged because the input cannot be read is left out.
    """
    told: list[Silence] = []
    for behaviour in BEHAVIOURS:
        try:
            told += behaviour(asked)
        except PkiError:
            continue
    return tuple(sorted(told, key=lambda silence: silence.same))
