"""A certificate's other forms: DER, chain and bundle freely, a keystore only when recorded."""

from __future__ import annotations

import datetime as dt

from aggportal.certs.models import AuthorityCertificate, Certificate, OtherRole
from aggportal.certs.services.chains import authority_chain, chain_above, upwards
from aggportal.certs.services.files import require_chain, take_key
from aggportal.pki import keystores
from aggportal.pki.exports import ExportedFile, trusted
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate, read_certificates
from aggportal.web.actors import Actor


def forms_of(certificate: Certificate) -> tuple[ExportedFile, ...]:
    """Return DER, and chain, bundles and root as far as they are known."""
    return keystores.certificate_forms(
        certificate.file_base,
        certificate=read_certificate(certificate.material.pem),
        chain=chain_above(certificate),
    )


def keystore(
    certificate: Certificate, lock: keystores.Lock, *, by: Actor, now: dt.datetime
) -> ExportedFile:
    """Return BASE.p12 (or .jks) with the private key, recorded. Raises NoPrivateKey, KeyStays."""
    return keystores.keystore(
        certificate.file_base,
        certificate=read_certificate(certificate.material.pem),
        key_pem=take_key(certificate, how="keystore", by=by, now=now),
        chain=chain_above(certificate),
        lock=lock,
    )


def truststore(certificate: Certificate, lock: keystores.Lock) -> ExportedFile:
    """Return BASE-truststore.p12 (or .jks) with every root that a chain of it ends in; no key.

    Raises NoIssuerKnown.
    """
    return keystores.truststore(
        certificate.file_base, authorities=roots_above(certificate), lock=lock
    )


def roots_above(certificate: Certificate) -> tuple[CertificateFacts, ...]:
    """Return the top of the chain, and the tops of those by which its authorities are cross-signed.

    Raises NoIssuerKnown.
    """
    tops = {facts.sha256: facts for facts in trusted(require_chain(certificate))}
    steps = upwards(certificate.authority) if certificate.authority else ()
    for step in steps:
        for other in step.other_certificates.filter(role=OtherRole.CROSS):
            for facts in trusted(_above(other)):
                tops.setdefault(facts.sha256, facts)
    return tuple(tops.values())


def _above(other: AuthorityCertificate) -> tuple[CertificateFacts, ...]:
    if other.issuer is not None:
        return authority_chain(other.issuer)
    return tuple(read_certificates(other.chain_pem)) if other.chain_pem.strip() else ()
