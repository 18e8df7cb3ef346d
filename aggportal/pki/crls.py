"""Certificate revocation lists (RFC 5280 section 5), one whole list for each authority.

No delta lists and no partitions, so neither freshestCRL nor issuingDistributionPoint is needed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.errors import KeyMismatch, PkiError
from aggportal.pki.facts import extension_of
from aggportal.pki.issuers import issuer_of
from aggportal.pki.keys import PrivateKey, hash_algorithm, spki_sha256
from aggportal.pki.revocations import Revocation
from aggportal.words import gettext_noop as _n

MEDIA_TYPE = "application/pkix-crl"


class CannotSignLists(PkiError):
    """The certificate forbids its authority to sign lists (RFC 5280 section 4.2.1.3)."""

    code = "cannot-sign-lists"


@dataclass(frozen=True, kw_only=True, slots=True)
class CrlFacts:
    """What a list says. `number` is its CRLNumber (section 5.2.3); times are aware and are encoded
    to the second.
    """

    number: int
    this_update: dt.datetime
    next_update: dt.datetime
    revocations: tuple[Revocation, ...] = ()


def require_may_sign_lists(issuer: x509.Certificate) -> None:
    """Refuse an authority whose key usage leaves out cRLSign: no client would take its list."""
    usage = extension_of(issuer, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        raise CannotSignLists(
            _n(
                "The authority's certificate has a key usage without “crl sign”, so that no client "
                "would accept a revocation list of it."
            )
        )


def sign_crl(facts: CrlFacts, *, issuer: x509.Certificate, issuer_key: PrivateKey) -> bytes:
    """Sign one list; DER. About 0.1 s for 10,000 entries.

    Raises `CannotSignLists`, and `KeyMismatch` when the key is not the issuer's.
    """
    require_may_sign_lists(issuer)
    signer = issuer_of(issuer)
    if spki_sha256(issuer_key.public_key()) != signer.spki_sha256:
        raise KeyMismatch(_n("The signing key is not the authority's."))
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.subject,
        last_update=_second(facts.this_update),
        next_update=_second(facts.next_update),
        extensions=[
            _plain(x509.AuthorityKeyIdentifier(signer.subject_key_identifier, None, None)),
            _plain(x509.CRLNumber(facts.number)),
        ],
        revoked_certificates=list(_entries(facts)),
    )
    signed = builder.sign(issuer_key, hash_algorithm(signer.signature_hash))
    return signed.public_bytes(Encoding.DER)


def _entries(facts: CrlFacts) -> Iterator[x509.RevokedCertificate]:
    for one in facts.revocations:
        entry = x509.RevokedCertificateBuilder(one.serial, _second(one.revoked_at))
        if one.flag is not None:
            entry = entry.add_extension(x509.CRLReason(one.flag), critical=False)
        if one.invalid_since is not None:
            date = x509.InvalidityDate(_second(one.invalid_since))
            entry = entry.add_extension(date, critical=False)
        yield entry.build()


def _plain(value: x509.ExtensionType) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical=False, value=value)


def _second(when: dt.datetime) -> dt.datetime:
    """Return `when` as the builders want it: naive, UTC, whole seconds."""
    return when.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None)
