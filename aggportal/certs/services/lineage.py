"""Which authority of ours signed a certificate, and what stands above it: proven by signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aggportal.certs.models import Authority
from aggportal.certs.services.chains import authority_chain
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.pedigrees import Pedigree
from aggportal.pki.reading import read_certificate

_MOST_OF_ONE_NAME = 10


class Lineage:
    """Our authorities and the certificates that came together, read once for a whole import."""

    def __init__(self, given: Iterable[CertificateFacts] = ()) -> None:
        self._pedigree = Pedigree(given)
        self._ours: dict[str, list[tuple[Authority, CertificateFacts]]] = defaultdict(list)
        for authority in Authority.objects.defer("signing_config", "request_spec", "csr_pem"):
            self.add(authority)

    def add(self, authority: Authority) -> None:
        """Let an authority that has just come in count too."""
        known = self._ours[authority.subject]
        if len(known) < _MOST_OF_ONE_NAME:
            known.append((authority, read_certificate(authority.certificate_pem)))

    def authority_of(self, facts: CertificateFacts) -> Authority | None:
        """Return our authority whose key signed `facts`; never `facts` itself."""
        known = self._ours.get(facts.issuer, ())
        signers = (a for a, own in known if self._signed(facts, by=own))
        return next(signers, None)

    def chain_of(
        self, facts: CertificateFacts
    ) -> tuple[Authority | None, tuple[CertificateFacts, ...]]:
        """Return our authority that signed `facts`, or None and the chain above, as far as known.

        The chain is made of what came together and goes on into ours where ours signed a part.
        """
        authority = self.authority_of(facts)
        if authority is not None:
            return authority, ()
        chain: list[CertificateFacts] = []
        for step in self._pedigree.path_above(facts):
            chain.append(step)
            above = self.authority_of(step)
            if above is not None:
                return None, (*chain, *authority_chain(above))
        return None, tuple(chain)

    def facts_of(self, authority: Authority) -> CertificateFacts:
        """Return what the certificate of one of our authorities says."""
        known = (own for a, own in self._ours.get(authority.subject, ()) if a == authority)
        return next(known, None) or read_certificate(authority.certificate_pem)

    def _signed(self, facts: CertificateFacts, *, by: CertificateFacts) -> bool:
        return facts.sha256 != by.sha256 and self._pedigree.is_signed(facts, by=by)
