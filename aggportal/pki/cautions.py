"""What advice is given about (`Case`), and what it is (`Caution`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from aggportal.pki.facts import CertificateFacts, common_name
from aggportal.pki.lanes import Lane, Neighbour, can_serve, can_speak
from aggportal.pki.plans import CertificatePlan, Issuer
from aggportal.pki.profiles import Profile
from aggportal.pki.specs import RequestSpec
from aggportal.words import Sentence

Severity = Literal["mend", "know"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Caution:
    """One thing to mend (it will be refused) or to know, beside the field that it is about.

    `field` is the path in the request spec (`CN`, `hosts[3]`, `key.size`) or, for what the profile
    brings, `profile`; empty when no field is to blame. `code` is stable.
    """

    severity: Severity
    code: str
    field: str
    sentence: Sentence

    def __str__(self) -> str:
        return str(self.sentence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuing:
    """The authority that would sign: its certificate, its trust lane, the front proxy's allowed
    names, and the other authorities.

    Empty `allowed_names` mean that any CN is accepted (`--requestheader-allowed-names` unset).
    """

    certificate: CertificateFacts
    lane: Lane = "general"
    allowed_names: tuple[str, ...] = ()
    others: tuple[Neighbour, ...] = ()
    issuer: Issuer | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One certificate to be, and all that bears upon it.

    `profile` and `authority` are absent when it signs itself.
    """

    plan: CertificatePlan
    spec: RequestSpec
    profile: Profile | None
    authority: Issuing | None
    now: dt.datetime

    @property
    def lane(self) -> Lane:
        return self.authority.lane if self.authority else "general"

    @property
    def cn(self) -> str:
        return common_name(self.plan.subject)

    @property
    def serves(self) -> bool:
        """Tell whether a server could show it: `server auth` or anything at all."""
        return can_serve(self.plan)

    @property
    def speaks(self) -> bool:
        """Tell whether a client could show it: `client auth` or anything at all."""
        return can_speak(self.plan)

    def host_names(self, kind: str = "dns") -> tuple[str, ...]:
        return tuple(san.value for san in self.plan.sans if san.kind == kind)

    def host_field(self, value: str) -> str:
        """Name the entry of `hosts` that became `value`, `hosts` when it cannot be told."""
        for place, host in enumerate(self.spec.hosts):
            if host == value:
                return f"hosts[{place}]"
        return "hosts"


Advice = Callable[[Case], Iterator[Caution]]


def know(code: str, field: str, text: str, **params: object) -> Caution:
    """Make a caution that leaves the decision to the person."""
    sentence = Sentence(text=text, params=params)
    return Caution(severity="know", code=code, field=field, sentence=sentence)


def mend(code: str, field: str, text: str, **params: object) -> Caution:
    """Make a caution about what will be refused."""
    sentence = Sentence(text=text, params=params)
    return Caution(severity="mend", code=code, field=field, sentence=sentence)
