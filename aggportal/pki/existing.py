"""An authority that was made elsewhere: whether it can sign here, and the documents that it would
have had if it had been made here.
"""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.x509.oid import NameOID

from aggportal.pki.csrs import csr_pem
from aggportal.pki.errors import InvalidCertificate, KeyMismatch, NotAnAuthority, PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.issuers import issuer_of
from aggportal.pki.jsontext import dump_json
from aggportal.pki.keys import (
    PrivateKey,
    hash_algorithm,
    key_spec_of,
    require_allowed_key,
    signature_hash_for,
    spki_sha256,
)
from aggportal.pki.reading import load_certificate
from aggportal.pki.requests import dump_request_spec, load_request_spec
from aggportal.pki.weakkeys import require_strong_key
from aggportal.words import gettext_noop as _n

MAX_SERIAL = 40
_NAMES = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
}


def require_signing_authority(facts: CertificateFacts) -> None:
    """Refuse a certificate that may not sign certificates (RFC 5280 sections 4.2.1.3 and 4.2.1.9),
    or with a key that we would not use.

    Raises `NotAnAuthority`, `InvalidKey`, `WeakKey`, `InvalidCertificate`.
    """
    certificate = load_certificate(facts)
    if not facts.is_ca:
        raise NotAnAuthority(
            _n(
                "“%(name)s” is not the certificate of an authority: its basic constraints do not "
                "say CA:TRUE, so nobody would accept what it signs."
            ),
            field="certificate",
            name=facts.common_name or facts.subject,
        )
    if not issuer_of(certificate).is_ca:
        raise NotAnAuthority(
            _n(
                "“%(name)s” may not sign certificates: its key usage leaves “cert sign” out, so "
                "nobody would accept what it signs."
            ),
            field="certificate",
            name=facts.common_name or facts.subject,
        )
    require_strong_key(require_allowed_key(certificate.public_key()), field="certificate")
    require_storable(facts)


def require_storable(facts: CertificateFacts) -> None:
    """Refuse a serial number that is longer than RFC 5280 section 4.1.2.2 allows, or negative: no
    revocation list could name it, and so none of its authority could be signed any more.
    """
    if facts.serial.startswith("-"):
        raise InvalidCertificate(
            _n("Its serial number is negative, which RFC 5280 forbids: it could not be revoked."),
            field="certificate",
        )
    if len(facts.serial) > MAX_SERIAL:
        raise InvalidCertificate(
            _n("Its serial number is longer than the 20 octets that RFC 5280 allows."),
            field="certificate",
        )


def require_own_key(facts: CertificateFacts, key: PrivateKey) -> None:
    """Refuse a key that is not the certificate's. Raises `KeyMismatch`."""
    if spki_sha256(key.public_key()) != facts.spki_sha256:
        raise KeyMismatch(
            _n(
                "This key does not belong to the certificate of “%(name)s”: their public halves "
                "differ. Give the key that was made together with it."
            ),
            field="key",
            name=facts.common_name or facts.subject,
        )


def request_of(facts: CertificateFacts, key: PrivateKey) -> str:
    """Return a PKCS#10 request (PEM) with the certificate's subject and key."""
    builder = x509.CertificateSigningRequestBuilder(load_certificate(facts).subject)
    digest = hash_algorithm(signature_hash_for(key_spec_of(key.public_key())))
    return csr_pem(builder.sign(key, digest))


def spec_text_of(facts: CertificateFacts, key: PrivateKey) -> str:
    """Return cfssl's CSR JSON that would make such an authority anew: names, key, years, depth."""
    subject = load_certificate(facts).subject
    spec = key_spec_of(key.public_key())
    names = {
        short: str(found[0].value)
        for short, oid in _NAMES.items()
        if (found := subject.get_attributes_for_oid(oid))
    }
    life: dict[str, object] = {"expiry": f"{_hours(facts)}h"}
    if facts.path_length is not None:
        life |= {"pathlen": facts.path_length, "pathlenzero": facts.path_length == 0}
    document: dict[str, object] = {
        "CN": facts.common_name,
        "key": {"algo": spec.algo, "size": spec.size} if spec.size else {"algo": spec.algo},
        "names": [names] if names else [],
        "ca": life,
    }
    try:
        return dump_json(dump_request_spec(load_request_spec(document)))
    except PkiError:  # a subject such as we would not make
        return dump_json(document)


def _hours(facts: CertificateFacts) -> int:
    life = facts.not_after - facts.not_before
    return max(-(-life // dt.timedelta(hours=1)), 1)
