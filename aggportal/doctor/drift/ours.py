"""What we manage of a cluster's trust, as values to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aggportal.doctor.told import say
from aggportal.kube.flags import FrontProxy
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class OurAuthority:
    """An authority of ours with its present certificate. A retired one signs nothing more, and
    nobody is to trust it any longer. `above` are the digests of the keys that signed it, up to the
    root: whoever trusts one of those trusts it.
    """

    label: str
    certificate: CertificateFacts
    retired: bool = False
    above: tuple[str, ...] = ()

    @property
    def spki(self) -> str:
        return self.certificate.spki_sha256


@dataclass(frozen=True, kw_only=True, slots=True)
class OurCertificate:
    """A certificate that we issued; `key` is how the portal finds it.

    `ended` says why it is not to be used any longer: revoked, or replaced by a newer one.
    """

    key: str
    label: str
    certificate: CertificateFacts
    authority: OurAuthority | None = None
    ended: Sentence | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """All of it. The first of `front_proxy` must be trusted, those before and after it may be.

    `serving_chosen` holds those of `serving` that somebody chose for this cluster. `by_host` has
    the newest good certificate for a DNS name, `by_digest` every one of ours that was seen live.
    `flags` is what we render, in its usual folder; None without a proxy client certificate.
    """

    front_proxy: tuple[OurAuthority, ...] = ()
    allowed_names: tuple[str, ...] = ()
    serving: tuple[OurAuthority, ...] = ()
    serving_chosen: tuple[OurAuthority, ...] = ()
    by_host: Mapping[str, OurCertificate] = field(default_factory=dict)
    by_digest: Mapping[str, OurCertificate] = field(default_factory=dict)
    flags: FrontProxy | None = None


def authorities_told(authorities: Iterable[OurAuthority]) -> tuple[Sentence, ...]:
    """One line for each: as `told.certificates_told`, with what we call it."""
    return tuple(
        say(
            _n("%(label)s: %(subject)s, until %(until)s, SHA-256 %(digest)s…"),
            label=each.label,
            subject=each.certificate.subject,
            until=f"{each.certificate.not_after:%Y-%m-%d}",
            digest=each.certificate.sha256[:16],
        )
        for each in authorities
    )


def differences(
    live: tuple[CertificateFacts, ...],
    *,
    required: tuple[OurAuthority, ...],
    known: tuple[OurAuthority, ...],
) -> tuple[Sentence, ...]:
    """What trust `live` lacks of `required`, and has beyond `known`; empty where nothing."""
    ours = {each.spki: each for each in (*known, *required)}
    found = [_lacking(each, live) for each in required]
    found += [_beyond(each, ours.get(each.spki_sha256)) for each in live]
    return tuple(each for each in found if each is not None)


def _lacking(wanted: OurAuthority, live: tuple[CertificateFacts, ...]) -> Sentence | None:
    if any(each.spki_sha256 in wanted.above for each in live):
        return None
    same_key = [each for each in live if each.spki_sha256 == wanted.spki]
    if any(each.sha256 == wanted.certificate.sha256 for each in same_key):
        return None
    if not same_key:
        return say(
            _n("%(label)s is missing (SHA-256 %(digest)s…)."),
            label=wanted.label,
            digest=wanted.certificate.sha256[:16],
        )
    last = max(same_key, key=lambda each: each.not_after)
    return say(
        _n(
            "It holds another certificate of %(label)s with the same key: SHA-256 %(live)s… until "
            "%(until)s, not %(ours)s… until %(wanted)s."
        ),
        label=wanted.label,
        live=last.sha256[:16],
        until=f"{last.not_after:%Y-%m-%d}",
        ours=wanted.certificate.sha256[:16],
        wanted=f"{wanted.certificate.not_after:%Y-%m-%d}",
    )


def _beyond(live: CertificateFacts, ours: OurAuthority | None) -> Sentence | None:
    if ours is None:
        return say(
            _n(
                "It also holds %(subject)s, which is not ours (SHA-256 %(digest)s…, until "
                "%(until)s)."
            ),
            subject=live.subject,
            digest=live.sha256[:16],
            until=f"{live.not_after:%Y-%m-%d}",
        )
    if ours.retired:
        return say(
            _n("It still holds %(label)s, which is retired (SHA-256 %(digest)s…)."),
            label=ours.label,
            digest=live.sha256[:16],
        )
    return None
