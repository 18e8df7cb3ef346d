"""What a scan found, in the light of the authorities and certificates that we hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509

from aggportal.certs.models import Authority, Lane
from aggportal.certs.services.chains import authority_chain
from aggportal.certs.services.inspecting import Standing, standings
from aggportal.pki.facts import CertificateFacts
from aggportal.tls.findings import Finding, Level, found
from aggportal.tls.handshakes import Handshake
from aggportal.tls.names import AskedName
from aggportal.tls.scanning import Scan, Trial
from aggportal.tls.served import ServedCertificate, place_findings
from aggportal.tls.telling import (
    asked_findings,
    requestheader_finding,
    scheme_text,
    version_findings,
)
from aggportal.tls.trusting import trust_findings
from aggportal.tls.verdicts import certificate_findings
from aggportal.words import gettext_noop as _n

MAX_OF_ONE_NAME = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedOf:
    """A CA that the server names, and our authorities of that name, encoded byte for byte."""

    name: AskedName
    authorities: tuple[Authority, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """One version as a row: the trial, and what the server signed with."""

    trial: Trial
    scheme: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One served certificate: its place, and what it is to us."""

    served: ServedCertificate
    standing: Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Everything that the page says: words first (`verdicts`, `asked`), then what they rest on."""

    scan: Scan
    verdicts: tuple[Finding, ...]
    asked: tuple[Finding, ...]
    asked_of: tuple[AskedOf, ...]
    versions: tuple[Spoken, ...]
    shown: tuple[Shown, ...]

    @property
    def own(self) -> Standing:
        """What the server's own certificate is to us."""
        return self.shown[0].standing


def answer(scan: Scan) -> Answer:
    """Put a scan into words."""
    served = scan.served
    known = _known(served.certificates)
    shown = tuple(
        Shown(served=certificate, standing=standing)
        for certificate, standing in zip(
            served.certificates, standings(served.inspection), strict=True
        )
    )
    asked_of = tuple(_asked_of(scan.handshake))
    verdicts = (
        *certificate_findings(served.path, name=scan.question.name, now=scan.at),
        *_revoked(shown),
        *trust_findings(served, known=known, now=scan.at),
        *place_findings(served),
        *version_findings(scan),
    )
    return Answer(
        scan=scan,
        verdicts=verdicts,
        asked=tuple(_asked(scan, asked_of)),
        asked_of=asked_of,
        versions=tuple(_spoken(scan)),
        shown=shown,
    )


def _known(certificates: tuple[ServedCertificate, ...]) -> tuple[CertificateFacts, ...]:
    """Our authorities above what was served, each with what is above it."""
    read = [each.thing.facts for each in certificates if each.thing.facts is not None]
    subjects = {facts.issuer for facts in read} | {facts.subject for facts in read if facts.is_ca}
    chains = (
        authority_chain(authority) for authority in Authority.objects.filter(subject__in=subjects)
    )
    once = {facts.sha256: facts for chain in chains for facts in chain}
    return tuple(once.values())


def _revoked(shown: tuple[Shown, ...]) -> Iterator[Finding]:
    """Say which of the served ones we revoked; of strangers' certificates nobody is asked."""
    for each in shown:
        certificate = each.standing.certificate
        if certificate is None or certificate.revoked_at is None:
            continue
        text = _n("We revoked “%(subject)s” on %(when)s: it should not be served any more.")
        if certificate.is_held:
            text = _n("“%(subject)s” is on hold since %(when)s: whoever checks refuses it.")
        when = f"{certificate.revoked_at:%Y-%m-%d %H:%M} UTC"
        yield found(Level.BAD, text, subject=certificate.subject, when=when)


def _asked(scan: Scan, asked_of: tuple[AskedOf, ...]) -> Iterator[Finding]:
    yield from asked_findings(scan)
    ours = [
        authority.label
        for each in asked_of
        for authority in each.authorities
        if authority.lane == Lane.FRONT_PROXY
    ]
    held = Authority.objects.filter(lane=Lane.FRONT_PROXY).exists()
    meaning = requestheader_finding(scan.handshake, ours=ours, held=held)
    if meaning is not None:
        yield meaning


def _asked_of(handshake: Handshake) -> Iterator[AskedOf]:
    """Find the authorities by the name's text, then compare its bytes, as Go does."""
    texts = {name.text for name in handshake.acceptable}
    named = list(Authority.objects.filter(subject__in=texts)) if texts else []
    for name in handshake.acceptable:
        same = [authority for authority in named if _subject_der(authority) == name.der]
        yield AskedOf(name=name, authorities=tuple(same[:MAX_OF_ONE_NAME]))


def _subject_der(authority: Authority) -> bytes:
    certificate = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    return certificate.subject.public_bytes()


def _spoken(scan: Scan) -> Iterator[Spoken]:
    for trial in scan.trials:
        own = scan.served.own
        scheme = scheme_text(trial.handshake, key=own.key) if trial.handshake and own else ""
        yield Spoken(trial=trial, scheme=scheme)
