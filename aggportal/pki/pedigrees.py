"""Who signed whom among many certificates, proven by signatures and found by names.

Built for bundles of strangers: of many certificates with one name only a few are tried, so that the
work stays in proportion to the number of certificates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.reading import load_certificate

MAX_TRIED = 8
MAX_HEIGHT = 12


class Pedigree:
    """The certificates that came together, asked for one's issuer and for the path above it."""

    def __init__(self, certificates: Iterable[CertificateFacts]) -> None:
        self._by_subject: dict[str, list[CertificateFacts]] = defaultdict(list)
        self._signed: dict[tuple[str, str], bool] = {}
        for facts in certificates:
            if facts.is_ca:
                self._by_subject[facts.subject].append(facts)

    def issuer_of(self, facts: CertificateFacts) -> CertificateFacts | None:
        """Return the certificate whose key signed `facts`; None for a root and where it lacks."""
        if facts.self_signed:
            return None
        named = self._by_subject.get(facts.issuer, [])
        # The key identifier says which of several; it is a hint, the signature decides.
        likely = sorted(named, key=lambda c: not facts.aki or c.ski != facts.aki)
        tried = (c for c in likely[:MAX_TRIED] if c.sha256 != facts.sha256)
        return next((c for c in tried if self.is_signed(facts, by=c)), None)

    def path_above(self, facts: CertificateFacts) -> tuple[CertificateFacts, ...]:
        """Return the issuers above `facts` in order, as far as they are present."""
        path: list[CertificateFacts] = []
        seen = {facts.sha256}
        step = self.issuer_of(facts)
        while step is not None and step.sha256 not in seen and len(path) < MAX_HEIGHT:
            path.append(step)
            seen.add(step.sha256)
            step = self.issuer_of(step)
        return tuple(path)

    def is_signed(self, child: CertificateFacts, *, by: CertificateFacts) -> bool:
        """Tell whether `by`'s key signed `child`; each pair is verified once."""
        pair = (child.sha256, by.sha256)
        if pair not in self._signed:
            self._signed[pair] = is_issued_by(load_certificate(child), load_certificate(by))
        return self._signed[pair]
