"""What an inspected thing has to do with us: whether we issued it, and whether it chains to one of
our authorities. Nothing of what is inspected is stored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from aggportal.certs.models import Authority, Certificate
from aggportal.ledger.services import record
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import LIBRARY_ERRORS, CertificateFacts, is_issued_by
from aggportal.pki.inspected import Inspection, Kind, Pairing, Thing
from aggportal.pki.linting import LintFinding, lint_certificate, lint_revocations
from aggportal.pki.reading import load_certificate
from aggportal.web.actors import Actor
from aggportal.words import Sentence

MAX_CHAIN = 6
MAX_LINTED = 20
MAX_LINTED_BYTES = 16 * 1024  # of one thing; the linter takes seconds for a list of thousands
_LINTERS = {Kind.CERTIFICATE: lint_certificate, Kind.REVOCATIONS: lint_revocations}


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One thing, and what it is to us.

    `authority` is the thing itself when it is the certificate of ours; `certificate` the one that
    we issued; `anchor` our authority that signed it, directly or through `via` (subjects, upwards);
    `holder` a certificate of ours with the same key. `lint` is None when it was not linted, and
    `unlinted` says why.
    """

    thing: Thing
    authority: Authority | None = None
    certificate: Certificate | None = None
    anchor: Authority | None = None
    via: tuple[str, ...] = ()
    holder: Certificate | None = None
    pairings: tuple[Pairing, ...] = ()
    lint: tuple[LintFinding, ...] | None = None
    unlinted: Sentence | None = None


def record_inspection(*, by: Actor, now: dt.datetime) -> None:
    """Record that somebody inspected something; not what, for it may be a secret."""
    record("inspection.made", actor=by, subject=("inspection", "", ""), at=now)


def standings(inspection: Inspection) -> tuple[Standing, ...]:
    """Compare everything that was inspected with what we hold."""
    chains = _Chains(inspection.certificates)
    linted = 0
    found = []
    for thing in inspection.things:
        linted += thing.kind in _LINTERS
        may_lint = linted <= MAX_LINTED and len(thing.der) <= MAX_LINTED_BYTES
        found.append(_standing(thing, inspection, chains, may_lint=may_lint))
    return tuple(found)


def _standing(thing: Thing, inspection: Inspection, chains: _Chains, *, may_lint: bool) -> Standing:
    pairings = tuple(p for p in inspection.pairings if p.key is thing)
    lint, unlinted = _linted(thing) if may_lint else (None, None)
    if thing.facts is None:
        anchor = _list_signer(thing) if thing.kind is Kind.REVOCATIONS and thing.is_read else None
        return Standing(
            thing=thing,
            anchor=anchor,
            holder=_holder(thing) if thing.spki_sha256 else None,
            pairings=pairings,
            lint=lint,
            unlinted=unlinted,
        )
    facts = thing.facts
    anchor, via = chains.anchor(facts)
    return Standing(
        thing=thing,
        authority=Authority.objects.filter(fingerprint_sha256=facts.sha256).first(),
        certificate=Certificate.objects.filter(fingerprint_sha256=facts.sha256).first(),
        anchor=anchor,
        via=via,
        lint=lint,
        unlinted=unlinted,
    )


def _linted(thing: Thing) -> tuple[tuple[LintFinding, ...] | None, Sentence | None]:
    linter = _LINTERS.get(thing.kind)
    if linter is None or not thing.is_read:
        return None, None
    try:
        return linter(thing.der), None
    except PkiError as refused:
        return None, refused.sentence


def _holder(thing: Thing) -> Certificate | None:
    rows = Certificate.objects.filter(spki_sha256=thing.spki_sha256)
    return rows.select_related("authority").first()


def _list_signer(thing: Thing) -> Authority | None:
    """Return our authority whose key signed a revocation list."""
    revoked = x509.load_der_x509_crl(thing.der)
    for authority in Authority.objects.filter(subject=thing.title)[:10]:
        certificate = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
        try:
            if revoked.is_signature_valid(certificate.public_key()):  # type: ignore[arg-type]  # ours can sign
                return authority
        except (*LIBRARY_ERRORS, UnsupportedAlgorithm):
            continue
    return None


class _Chains:
    """Climbs from a certificate to an authority of ours, through what was given with it.

    Signatures are checked once for each pair, so that many certificates of one name cost little.
    """

    def __init__(self, given: Sequence[CertificateFacts]) -> None:
        self._given = given
        self._signed: dict[tuple[str, str], bool] = {}

    def anchor(self, facts: CertificateFacts) -> tuple[Authority | None, tuple[str, ...]]:
        """Return our authority above `facts` and the subjects between; None where there is none."""
        step, seen = facts, {facts.sha256}
        via: list[str] = []
        for _ in range(MAX_CHAIN):
            for authority in Authority.objects.filter(subject=step.issuer)[:10]:
                if self._is_signed_by(step, authority.certificate_pem.encode()):
                    return authority, tuple(via)
            parent = self._parent(step, seen)
            if parent is None:
                break
            step = parent
            seen.add(parent.sha256)
            via.append(parent.subject)
        return None, ()

    def _parent(self, child: CertificateFacts, seen: set[str]) -> CertificateFacts | None:
        named = (c for c in self._given if c.subject == child.issuer and c.sha256 not in seen)
        return next((c for c in named if self._is_signed_by(child, c.pem.encode())), None)

    def _is_signed_by(self, child: CertificateFacts, issuer_pem: bytes) -> bool:
        issuer = x509.load_pem_x509_certificate(issuer_pem)
        pair = (child.sha256, issuer_pem.decode())
        if pair not in self._signed:
            self._signed[pair] = is_issued_by(load_certificate(child), issuer)
        return self._signed[pair]
