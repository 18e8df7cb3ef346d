"""What stands above a certificate: its authority, that one's issuer, up to the root."""

from __future__ import annotations

from aggportal.certs.models import Authority, Certificate
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate, read_certificates

# Longer than any sane chain; a loop of parents must end.
_HIGHEST = 12


def authority_chain(authority: Authority) -> tuple[CertificateFacts, ...]:
    """Return the authority's own certificate and what is above it, upwards to the root."""
    found: list[CertificateFacts] = []
    step: Authority | None = authority
    while step is not None and len(found) < _HIGHEST:
        found.append(read_certificate(step.certificate_pem))
        found.extend(_read(step.chain_pem))
        step = step.parent
    return tuple(found)


def chain_above(certificate: Certificate) -> tuple[CertificateFacts, ...]:
    """Return the authorities above a certificate, upwards; empty where nobody knows them."""
    if certificate.authority is not None:
        return authority_chain(certificate.authority)
    return _read(certificate.chain_pem)


def _read(pem: str) -> tuple[CertificateFacts, ...]:
    return tuple(read_certificates(pem)) if pem.strip() else ()
