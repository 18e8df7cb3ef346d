"""A certificate's other forms: DER, chain and bundle freely, a keystore only when recorded."""

from __future__ import annotations

import datetime as dt

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.files import take_key
from aggportal.pki import keystores
from aggportal.pki.exports import ExportedFile
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate
from aggportal.web.actors import Actor


def chain_of(authority: Authority) -> tuple[CertificateFacts, ...]:
    """Return the authorities above a certificate, upwards."""
    return (read_certificate(authority.certificate_pem),)


def forms_of(certificate: Certificate) -> tuple[ExportedFile, ...]:
    """Return DER, chain and bundle."""
    return keystores.certificate_forms(
        certificate.file_base,
        certificate=read_certificate(certificate.material.pem),
        chain=chain_of(certificate.authority),
    )


def keystore(
    certificate: Certificate, lock: keystores.Lock, *, by: Actor, now: dt.datetime
) -> ExportedFile:
    """Return BASE.p12 with the private key, recorded. Raises NoPrivateKey and KeyStays."""
    return keystores.keystore(
        certificate.file_base,
        certificate=read_certificate(certificate.material.pem),
        key_pem=take_key(certificate, how="keystore", by=by, now=now),
        chain=chain_of(certificate.authority),
        lock=lock,
    )


def truststore(certificate: Certificate, lock: keystores.Lock) -> ExportedFile:
    """Return BASE-truststore.p12 with the authorities above; no key is in it."""
    return keystores.truststore(
        certificate.file_base, authorities=chain_of(certificate.authority), lock=lock
    )
