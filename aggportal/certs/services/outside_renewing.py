"""Renewing an authority that an outside CA signed: a request goes out, a certificate comes in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from cryptography import x509

from aggportal.certs.models import Authority, AuthorityCertificate
from aggportal.certs.services.answering import standing_of
from aggportal.certs.services.authority_renewing import (
    NewCertificate,
    exchange_certificate,
    loaded,
    require_seen,
)
from aggportal.certs.services.chains import require_issuing
from aggportal.certs.services.signers import signer_of
from aggportal.ledger.services import record
from aggportal.pki.csrs import csr_pem
from aggportal.pki.errors import InvalidCertificate
from aggportal.pki.existing import require_storable
from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.reading import read_certificates
from aggportal.pki.renewing import renewal_request, require_same_authority
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n


def ask_outside(authority: Authority, *, by: Actor, now: dt.datetime) -> str:
    """Return `renewal_csr` for the page, and write down that it was made. Raises `Retired`."""
    require_issuing(authority)
    text = renewal_csr(authority)
    record(
        "authority.renewal_requested",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        at=now,
    )
    return text


def renewal_csr(authority: Authority) -> str:
    """Return a request (PEM) for the very same authority, for the outside CA that signed it."""
    with signer_of(authority) as key:
        return csr_pem(renewal_request(loaded(authority), key=key))


def accept_renewed_certificate(
    authority: Authority, text: str, *, seen: str, by: Actor, now: dt.datetime
) -> Authority:
    """Take the certificate that an outside CA made of `renewal_csr`, with the certificates above it
    in any number and order after it; what is not above it is left out.

    Raises `AlreadyRenewed`, and what reading and comparing refuse.
    """
    require_issuing(authority)
    require_seen(authority, seen)
    found = read_certificates(text)
    own = [facts for facts in found if facts.spki_sha256 == authority.spki_sha256]
    first = own[0] if own else found[0]
    certificate = x509.load_der_x509_certificate(first.der)
    require_same_authority(certificate, earlier=loaded(authority))
    _require_new(authority, first, now=now)
    chain = _proven_chain(first, found) or _known_chain(authority, certificate)
    if not chain and not first.self_signed:
        raise InvalidCertificate(
            _n(
                "Another CA signed it than before. Give the certificates above it too, up to the "
                "root, after it."
            ),
            field="certificate",
        )
    made = NewCertificate(certificate=certificate, chain_pem=chain, how="outside")
    return exchange_certificate(authority, made, by=by, now=now)


def _proven_chain(facts: CertificateFacts, given: Sequence[CertificateFacts]) -> str:
    """Return what is above `facts`, PEM, upwards, each proven by the signature below it."""
    _signer, above = standing_of(facts, given)
    return "".join(step.pem for step in above)


def _require_new(authority: Authority, facts: CertificateFacts, *, now: dt.datetime) -> None:
    """Refuse one that is known already, that would end before the present one does, or that has a
    serial number longer than we keep.
    """
    require_storable(facts)
    known = AuthorityCertificate.objects.filter(fingerprint_sha256=facts.sha256)
    if facts.sha256 == authority.fingerprint_sha256 or known.exists():
        raise InvalidCertificate(_n("This certificate is here already."), field="certificate")
    if facts.not_after <= now:
        raise InvalidCertificate(_n("This certificate has ended already."), field="certificate")
    if facts.not_after < authority.not_after:
        raise InvalidCertificate(
            _n("It ends on %(end)s, before the present one does: nothing would be gained."),
            field="certificate",
            end=f"{facts.not_after:%Y-%m-%d}",
        )


def _known_chain(authority: Authority, certificate: x509.Certificate) -> str:
    """Keep the chain that we had where it still fits: the same outside CA signed again."""
    if not authority.chain_pem.strip():
        return ""
    above = read_certificates(authority.chain_pem)[0]
    fits = is_issued_by(certificate, x509.load_der_x509_certificate(above.der))
    return authority.chain_pem if fits else ""
