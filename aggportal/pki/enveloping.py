"""A private key for one recipient: CMS EnvelopedData (RFC 5652 section 6), AES-256-CBC under a key
that only the recipient's RSA key opens.
"""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from aggportal.pki.errors import InvalidField
from aggportal.pki.facts import CertificateFacts, extension_of
from aggportal.pki.keys import RSA_SIZES, PrivateKey, private_key_pem
from aggportal.pki.reading import load_certificate, read_certificate
from aggportal.words import gettext_noop as _n


def read_recipient(
    data: bytes | str, *, now: dt.datetime, field: str = "recipient"
) -> CertificateFacts:
    """Read the certificate of whoever is to open the key. Raises InvalidField, and what reading
    refuses: it must be valid now, hold an RSA key, and not forbid key encipherment.
    """
    facts = read_certificate(data, field=field)
    certificate = load_certificate(facts)
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in RSA_SIZES:
        raise InvalidField(
            _n(
                "The recipient's certificate must have an RSA key of 2048, 3072 or 4096 bits: the "
                "key is encrypted to it (CMS key transport)."
            ),
            field=field,
        )
    if not facts.not_before <= now < facts.not_after:
        raise InvalidField(
            _n("The recipient's certificate is not valid now. Take one that is."), field=field
        )
    usage = extension_of(certificate, x509.KeyUsage)
    if usage is not None and not usage.key_encipherment:
        raise InvalidField(
            _n(
                "The recipient's certificate has a key usage without “key encipherment”, so a key "
                "must not be encrypted to it."
            ),
            field=field,
        )
    return facts


def envelope(key: PrivateKey, *, recipient: CertificateFacts) -> bytes:
    """Return the key (PEM under cfssl's labels) encrypted to the recipient, as PEM (CMS).

    `openssl cms -decrypt -inform PEM -recip cert.pem -inkey key.pem` opens it.
    """
    builder = (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(private_key_pem(key).encode())
        .add_recipient(load_certificate(recipient))
        .set_content_encryption_algorithm(algorithms.AES256)
    )
    return builder.encrypt(Encoding.PEM, [pkcs7.PKCS7Options.Binary])
