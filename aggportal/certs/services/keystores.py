"""A certificate's other forms: DER, chain and bundle freely, a keystore only when recorded."""

from __future__ import annotations

import datetime as dt

from aggportal.certs.models import Certificate
from aggportal.certs.services.chains import chain_above
from aggportal.certs.services.files import take_key
from aggportal.pki import keystores
from aggportal.pki.exports import ExportedFile
from aggportal.pki.reading import read_certificate
from aggportal.web.actors import Actor


def forms_of(certificate: Certificate) -> tuple[ExportedFile, ...]:
    """Return DER, chain and bundle."""
    return keystores.certificate_forms(
        certificate.file_base,
        certificate=read_certificate(certificate.material.pem),
        chain=chain_above(certificate),
    )


def keystore(
    certificate: Certificate, lock: keystores.Lock, *, by: Actor, now: dt.datetime
) -> ExportedFile:
    """Return BASE.p12 with the private key, recorded. Raises NoPrivateKey and KeyStays."""
    return keystores.keystore(
        certificate.file_base,
        certificate=read_certificate(certificate.material.pem),
        key_pem=take_key(certificate, how="keystore", by=by, now=now),
        chain=chain_above(certificate),
        lock=lock,
    )


def truststore(certificate: Certificate, lock: keystores.Lock) -> ExportedFile:
    """Return BASE-truststore.p12 with the authorities above; no key is in it."""
    return keystores.truststore(
        certificate.file_base, authorities=chain_above(certificate), lock=lock
    )
