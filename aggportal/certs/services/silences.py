"""What cfssl would do silently with what a page shows."""

from __future__ import annotations

import datetime as dt

from aggportal.certs.models import Authority, Mode
from aggportal.certs.services.chains import issuer_for
from aggportal.certs.signing_configs import config_of
from aggportal.pki.cfssl_behaviours import Asked, Silence, silent_behaviours
from aggportal.pki.csrfacts import CsrFacts
from aggportal.pki.errors import PkiError
from aggportal.pki.profiles import Profile
from aggportal.pki.specs import RequestSpec


def silences_of_certificate(
    authority: Authority,
    spec: RequestSpec,
    *,
    profile: str,
    compat: bool,
    now: dt.datetime,
    csr: CsrFacts | None = None,
) -> tuple[Silence, ...]:
    """Tell what cfssl would do silently with `spec` under a profile of `authority`.

    `spec` was read as cfssl reads it; `csr` is somebody's signing request that it stands for.
    """
    config = config_of(authority)
    return silent_behaviours(
        Asked(
            spec=spec,
            now=now,
            compat=compat or authority.mode == Mode.COMPAT,
            profile=_profile(authority, profile),
            config=config,
            issuer=issuer_for(authority),
            asked_profile=profile,
            csr_subject=csr.name if csr else None,
        )
    )


def silences_of_authority(
    spec: RequestSpec, *, compat: bool, now: dt.datetime
) -> tuple[Silence, ...]:
    """Tell what `cfssl gencert -initca` would do silently with `spec`."""
    return silent_behaviours(Asked(spec=spec, now=now, compat=compat))


def _profile(authority: Authority, name: str) -> Profile:
    """Return the profile as cfssl finds it: an unknown one is the default one."""
    config = config_of(authority)
    try:
        return config.profile(name)
    except PkiError:
        return config.default
