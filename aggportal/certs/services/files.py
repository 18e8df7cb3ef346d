"""The files of a certificate, under the names that `cfssljson -bare` gives.

A key leaves only after it is recorded.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.chains import chain_above
from aggportal.certs.services.keys import open_key
from aggportal.ledger.services import record
from aggportal.pki.errors import PkiError
from aggportal.pki.exports import (
    ExportedFile,
    archive,
    ca_config_map,
    certificate_files,
    object_metadata,
    require_takeable_key,
    tls_secret,
    trusted,
)
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.keys import private_key_pem
from aggportal.pki.keystores import certificate_forms
from aggportal.pki.reading import read_certificate
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop


class NoPrivateKey(PkiError):
    """The portal holds no private key of this certificate."""

    code = "no-private-key"


class NoIssuerKnown(PkiError):
    """The certificate came from elsewhere, without the authority above it."""

    code = "no-issuer-known"


class KeyStays(PkiError):
    """The private key was marked as one that never leaves."""

    code = "key-stays"


@transaction.atomic
def take_key(certificate: Certificate, *, how: str, by: Actor, now: dt.datetime) -> str:
    """Return the private key as PEM under cfssl's labels. The ledger has the entry before this
    returns.

    `how` says on what way it leaves: `file`, `archive`, `secret`, `keystore`.

    Raises NoPrivateKey and KeyStays.
    """
    if not certificate.exportable:
        raise KeyStays(
            gettext_noop(
                "The private key of “%(name)s” was marked as never leaving when it was issued, and "
                "that is not undone. Issue another certificate whose key may leave."
            ),
            name=str(certificate),
        )
    if certificate.key is None:
        raise NoPrivateKey(
            gettext_noop("The portal holds no private key of “%(name)s”: it was made elsewhere."),
            name=str(certificate),
        )
    key_pem = private_key_pem(open_key(certificate.key, spki=certificate.spki_sha256))
    # Refused before the ledger says that it left.
    require_takeable_key(key_pem, certificate=read_certificate(certificate.material.pem))
    record(
        "certificate.key_taken",
        actor=by,
        subject=("certificate", certificate.pk, str(certificate)),
        detail={"how": how, "serial": certificate.serial, "authority": certificate.authority_slug},
        at=now,
    )
    return key_pem


def authority_files(authority: Authority) -> tuple[ExportedFile, ...]:
    """Return BASE.pem and BASE.csr of an authority, never its key."""
    facts = read_certificate(authority.certificate_pem)
    return certificate_files(authority.file_base, certificate=facts, csr_pem=authority.csr_pem)


def public_files(certificate: Certificate) -> tuple[ExportedFile, ...]:
    """Return the files that anybody with a role may take: the certificate's and its authority's."""
    facts = read_certificate(certificate.material.pem)
    own = certificate_files(
        certificate.file_base, certificate=facts, csr_pem=certificate.material.csr_pem
    )
    return (*_files_above(certificate), *own)


def key_file(certificate: Certificate, *, by: Actor, now: dt.datetime) -> ExportedFile:
    """Return BASE-key.pem, recorded."""
    key_pem = take_key(certificate, how="file", by=by, now=now)
    return _with_key(certificate, key_pem)[1]


def bundle(certificate: Certificate, *, by: Actor, now: dt.datetime) -> bytes:
    """Return the .tar.gz for a master: all files with key, SHA256SUMS and install.sh, recorded."""
    key_pem = take_key(certificate, how="archive", by=by, now=now)
    files = (*_files_above(certificate), *_with_key(certificate, key_pem))
    return archive((*files, *_chain_files(certificate)), now=now)


def secret(
    certificate: Certificate, *, name: str, namespace: str, by: Actor, now: dt.datetime
) -> str:
    """Return the Kubernetes Secret (kubernetes.io/tls) as YAML, recorded."""
    facts, chain = read_certificate(certificate.material.pem), require_chain(certificate)
    # A wrong name is refused before the ledger says that the key left.
    object_metadata(name, namespace)
    key_pem = take_key(certificate, how="secret", by=by, now=now)
    return tls_secret(name, namespace=namespace, certificate=facts, key_pem=key_pem, chain=chain)


def config_map(certificate: Certificate, *, name: str, namespace: str) -> str:
    """Return a ConfigMap with what is trusted above the certificate, as YAML."""
    return ca_config_map(name, namespace=namespace, authorities=trusted(require_chain(certificate)))


def _with_key(certificate: Certificate, key_pem: str) -> tuple[ExportedFile, ...]:
    return certificate_files(
        certificate.file_base,
        certificate=read_certificate(certificate.material.pem),
        key_pem=key_pem,
        csr_pem=certificate.material.csr_pem,
    )


def _files_above(certificate: Certificate) -> tuple[ExportedFile, ...]:
    return authority_files(certificate.authority) if certificate.authority else ()


def _chain_files(certificate: Certificate) -> tuple[ExportedFile, ...]:
    """Return BASE-bundle.pem and BASE-root.pem where the authority's own file is not the root: a
    server then has to send more than its certificate.
    """
    chain = chain_above(certificate)
    if len(chain) == 1 and certificate.authority is not None:
        return ()
    base, facts = certificate.file_base, read_certificate(certificate.material.pem)
    forms = certificate_forms(base, certificate=facts, chain=chain)
    wanted = (f"{base}-bundle.pem", f"{base}-root.pem")
    return tuple(file for file in forms if file.name in wanted)


def require_chain(certificate: Certificate) -> tuple[CertificateFacts, ...]:
    """Return the authorities above, upwards. Raises NoIssuerKnown where there are none."""
    above = chain_above(certificate)
    if not above:
        raise NoIssuerKnown(
            gettext_noop(
                "Nobody here knows the authority that signed “%(name)s”. Import its certificate "
                "together with the chain above it."
            ),
            name=str(certificate),
        )
    return above
