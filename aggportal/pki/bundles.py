"""Several certificates that came together: which issued which, and in what order a chain is to be
read.

Issuing is proven by the signature, never concluded from names: two authorities may well share one
name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.reading import load_certificate


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """`path` leads from the end certificate up to the highest issuer that is present;

    `others` is what hangs aside.
    """

    path: tuple[CertificateFacts, ...]
    others: tuple[CertificateFacts, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether the path ends in a self-signed certificate, so that nothing above is
        missing.
        """
        return bool(self.path) and self.path[-1].self_signed


def find_issuer(
    certificate: CertificateFacts, among: Iterable[CertificateFacts]
) -> CertificateFacts | None:
    """Return the first of `among` whose key signed `certificate`; itself only when nothing else
    did.
    """
    child = load_certificate(certificate)
    for candidate in among:
        is_itself = candidate.sha256 == certificate.sha256
        if not is_itself and is_issued_by(child, load_certificate(candidate)):
            return candidate
    return certificate if certificate.self_signed else None


def order_chain(certificates: Iterable[CertificateFacts]) -> Chain:
    """Order a bundle from its first end certificate upwards. Doubles count once; loops end."""
    left = list({certificate.sha256: certificate for certificate in certificates}.values())
    if not left:
        return Chain(path=(), others=())
    issuers = {c.sha256: find_issuer(c, left) for c in left}
    parents = {i.sha256 for child, i in issuers.items() if i is not None and i.sha256 != child}
    ends = [c for c in left if c.sha256 not in parents] or left
    step: CertificateFacts | None = min(
        ends, key=lambda c: c.is_ca
    )  # the first that is no authority
    path: list[CertificateFacts] = []
    while step is not None and step not in path:
        path.append(step)
        step = issuers[step.sha256]
    return Chain(path=tuple(path), others=tuple(c for c in left if c not in path))
