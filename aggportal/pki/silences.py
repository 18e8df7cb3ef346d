"""What a silent behaviour of cfssl is (`Silence`), and what it is told about (`Asked`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography import x509

from aggportal.pki.plans import Issuer
from aggportal.pki.profiles import Profile, SigningConfig
from aggportal.pki.specs import RequestSpec
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """One thing that cfssl does without a word.

    `cfssl` says what, `ours` what happens here instead; `same` tells that it is the same. `field`
    is the path in the request spec, `profile` for what the profile brings, or empty.
    """

    code: str
    field: str
    cfssl: Sentence
    ours: Sentence
    same: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """All that cfssl would be given: request spec, profile and config, and the issuer.

    `profile`, `config` and `issuer` are None for an authority that signs itself. `asked_profile` is
    the name that was asked for, `csr_subject` the subject of somebody's signing request.
    """

    spec: RequestSpec
    now: dt.datetime
    compat: bool
    profile: Profile | None = None
    config: SigningConfig | None = None
    issuer: Issuer | None = None
    asked_profile: str = ""
    csr_subject: x509.Name | None = None

    @property
    def makes_authority(self) -> bool:
        """Tell whether an authority would come of it."""
        return self.profile is None or self.profile.ca_constraint.is_ca

    def raw(self, key: str) -> object:
        """Return what the profile's JSON has under a key, however it is spelled."""
        raw = self.profile.raw if self.profile else {}
        return next((value for name, value in raw.items() if name.casefold() == key), None)

    def silence(self, code: str, field: str, cfssl: str, ours: str, **params: object) -> Silence:
        """Say what cfssl does and what strict mode does instead; compat does as cfssl."""
        if self.compat:
            return _silence(code, field, cfssl, SAME, same=True, **params)
        return _silence(code, field, cfssl, ours, same=False, **params)

    def shared(self, code: str, field: str, cfssl: str, **params: object) -> Silence:
        """Say what cfssl does and we do too, in either mode."""
        return _silence(code, field, cfssl, SAME, same=True, **params)

    def never(self, code: str, field: str, cfssl: str, ours: str, **params: object) -> Silence:
        """Say what cfssl does and we do in neither mode."""
        return _silence(code, field, cfssl, ours, same=False, **params)


Behaviour = Callable[[Asked], Iterator[Silence]]
SAME = _n("The same happens here.")


def _silence(
    code: str, field: str, cfssl: str, ours: str, *, same: bool, **params: object
) -> Silence:
    return Silence(
        code=code,
        field=field,
        cfssl=Sentence(text=cfssl, params=params),
        ours=Sentence(text=ours, params=params if not same else {}),
        same=same,
    )
