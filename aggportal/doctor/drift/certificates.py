"""One live certificate against the one that we issued for the same Service."""

from __future__ import annotations

from collections.abc import Iterator

from aggportal.doctor.drift.ours import OurCertificate, Ours
from aggportal.doctor.drift.rows import Judged, Stand, judged, unknown, unmanaged
from aggportal.doctor.told import say
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def judge_missing(why: Sentence, expected: OurCertificate | None) -> Judged:
    """No certificate is there: drift where we issued one, else nothing to compare."""
    return judged((why,)) if expected is not None else unknown(why)


def judge_certificate(
    live: CertificateFacts,
    host: str,
    ours: Ours,
    *,
    cas: tuple[CertificateFacts, ...] = (),
    served: bool = False,
) -> Judged:
    """`host` is the Service's name; `cas` what stands beside it as ca.crt; `served` where a
    backend showed it: pods may mount certificates for something else, but serve this one.
    """
    expected, known = ours.by_host.get(host), ours.by_digest.get(live.sha256)
    if expected is not None and live.sha256 == expected.certificate.sha256:
        return judged(tuple(_ca_differences(cas, expected)))
    names_it = served or any(_covers(name.lower(), host) for name in live.names("dns"))
    if known is not None and not (names_it and expected):
        return judged((known.ended,) if known.ended else tuple(_ca_differences(cas, known)))
    if expected is None:
        why = _n("It was signed by %(issuer)s; none for %(host)s was issued here.")
        return unmanaged(say(why, issuer=live.issuer, host=host))
    if not names_it:
        why = _n("It was not issued here, and it is for something else: %(names)s.")
        return unmanaged(say(why, names=", ".join(live.names("dns")[:8]) or live.subject))
    return Judged(stand=Stand.DIFFERS, said=tuple(_differences(live, known, expected)))


def _differences(
    live: CertificateFacts, known: OurCertificate | None, expected: OurCertificate
) -> Iterator[Sentence]:
    ours = expected.certificate
    if known is not None:
        yield _earlier(live, ours)
        if known.ended is not None:
            yield known.ended
    else:
        yield say(
            _n("It was not issued here (SHA-256 %(digest)s…); ours is %(ours)s…."),
            digest=live.sha256[:16],
            ours=ours.sha256[:16],
        )
    if live.issuer != ours.issuer:
        told = _n("It was signed by %(live)s, ours by %(ours)s.")
        yield say(told, live=live.issuer, ours=ours.issuer)
    if live.not_after != ours.not_after:
        yield say(
            _n("It ends on %(live)s, ours on %(ours)s."),
            live=f"{live.not_after:%Y-%m-%d}",
            ours=f"{ours.not_after:%Y-%m-%d}",
        )
    yield from _names(live, ours)


def _earlier(live: CertificateFacts, ours: CertificateFacts) -> Sentence:
    text = _n(
        "It is another one of ours, valid from %(since)s (SHA-256 %(digest)s…); the newest is "
        "valid from %(newest)s (SHA-256 %(ours)s…)."
    )
    return say(
        text,
        since=f"{live.not_before:%Y-%m-%d %H:%M}",
        digest=live.sha256[:16],
        newest=f"{ours.not_before:%Y-%m-%d %H:%M}",
        ours=ours.sha256[:16],
    )


def _names(live: CertificateFacts, ours: CertificateFacts) -> Iterator[Sentence]:
    has, wants = {value for _kind, value in live.sans}, {value for _kind, value in ours.sans}
    if lacking := sorted(wants - has):
        yield say(_n("It lacks the names %(names)s."), names=", ".join(lacking[:12]))
    if further := sorted(has - wants):
        yield say(_n("It has further names: %(names)s."), names=", ".join(further[:12]))


def _ca_differences(
    cas: tuple[CertificateFacts, ...], expected: OurCertificate
) -> Iterator[Sentence]:
    authority = expected.authority
    if not cas or authority is None or any(ca.spki_sha256 == authority.spki for ca in cas):
        return
    yield say(
        _n("ca.crt beside it holds %(live)s, not %(ours)s, which signed it."),
        live="; ".join(ca.subject for ca in cas[:8]),
        ours=authority.label,
    )


def _covers(name: str, host: str) -> bool:
    """A wildcard stands for the whole left-most label (RFC 6125 section 6.4)."""
    return host.partition(".")[2] == name[2:] if name.startswith("*.") else host == name
