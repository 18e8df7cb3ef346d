"""What stands above a certificate: its authority, that one's issuer, up to the root."""

from __future__ import annotations

from collections.abc import Iterator

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.lost_keys import lost_keys
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.issuers import issuer_of
from aggportal.pki.plans import Issuer
from aggportal.pki.reading import load_certificate, read_certificate, read_certificates
from aggportal.words import gettext_noop as _n

# Longer than any sane chain; a loop of parents must end.
_HIGHEST = 12


class Retired(PkiError):
    """The authority issues no more."""

    code = "retired"


def authority_chain(authority: Authority) -> tuple[CertificateFacts, ...]:
    """Return the authority's own certificate and what is above it, upwards to the root."""
    found: list[CertificateFacts] = []
    for step in upwards(authority):
        found.append(read_certificate(step.certificate_pem))
        found.extend(_read(step.chain_pem))
    return tuple(found)


def chain_above(certificate: Certificate) -> tuple[CertificateFacts, ...]:
    """Return the authorities above a certificate, upwards; empty where nobody knows them."""
    if certificate.authority is not None:
        return authority_chain(certificate.authority)
    return _read(certificate.chain_pem)


def issuer_for(authority: Authority) -> Issuer:
    """Return what plans need to know of `authority`: its own limits and those of all above it.

    Raises `Retired` for one that issues no more.
    """
    require_issuing(authority)
    own, *above = (load_certificate(facts) for facts in authority_chain(authority))
    return issuer_of(own, above)


def require_issuing(authority: Authority) -> None:
    """Refuse an authority that was retired, whose own certificate was revoked, or whose key is
    compromised by what is said of any certificate for it, an earlier one or one above: it answers
    for what it issued and signs nothing new. Raises `Retired`.
    """
    if authority.retired_at is not None:
        raise Retired(
            _n(
                "“%(label)s” was retired on %(since)s and issues no more; it still answers for "
                "what it issued. Choose another authority."
            ),
            field="authority",
            label=authority.label,
            since=f"{authority.retired_at:%Y-%m-%d}",
        )
    steps = tuple(upwards(authority))
    revoked = next((step for step in steps if is_revoked(step)), None)
    if revoked is not None:
        raise Retired(
            _n(
                "The certificate of “%(label)s” was revoked, so nothing that is signed under it is "
                "trusted any more. Choose another authority."
            ),
            field="authority",
            label=revoked.label,
        )
    lost = lost_keys([step.spki_sha256 for step in steps])
    exposed = next((step for step in steps if step.spki_sha256 in lost), None)
    if exposed is not None:
        raise Retired(
            _n(
                "A certificate for the key of “%(label)s” was revoked because the key is "
                "compromised: whoever has it signs as well. Choose another authority."
            ),
            field="authority",
            label=exposed.label,
        )


def is_revoked(authority: Authority) -> bool:
    """Tell whether the authority above revoked its certificate."""
    return authority.issued_as is not None and authority.issued_as.is_revoked


def upwards(authority: Authority) -> Iterator[Authority]:
    """Yield an authority and those of ours above it."""
    step: Authority | None = authority
    for _height in range(_HIGHEST):
        if step is None:
            return
        yield step
        step = step.parent


def _read(pem: str) -> tuple[CertificateFacts, ...]:
    return tuple(read_certificates(pem)) if pem.strip() else ()
