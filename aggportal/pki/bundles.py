"""Several certificates that came together: which issued which, and in what order a chain is to be
read.

Issuing is proven by the signature, never concluded from names: two authorities may well share one
name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.paths import Path, find_paths
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """What `cfssl bundle` makes of what was given: one way from the end certificate to a root.

    `ways` are all of them, the chosen one among them. `added` stand in it and were not given;
    `missing` is the subject of the issuer that nobody knows, empty where the way is whole.
    """

    way: Path
    ways: tuple[Path, ...]
    duplicates: tuple[CertificateFacts, ...]
    strangers: tuple[CertificateFacts, ...]
    added: tuple[CertificateFacts, ...]
    was_in_order: bool

    @property
    def missing(self) -> str:
        return "" if self.way.root.self_signed else self.way.root.issuer

    def pem(self, *, with_root: bool) -> str:
        """Return the way as PEM, end certificate first; a server sends it without the root."""
        steps = self.way.certificates
        kept = [c for i, c in enumerate(steps) if with_root or not i or not c.self_signed]
        return "".join(certificate.pem for certificate in kept)


def bundle(
    given: Sequence[CertificateFacts],
    *,
    known: Iterable[CertificateFacts] = (),
    root: str = "",
    usage: str = "",
    now: dt.datetime,
) -> Bundle:
    """Order what was given, at least one, from the end certificate to a root; `known` fill gaps.

    `root` is the SHA-256 of the root to lead to, where there are several; else the best way counts.
    """
    once = {certificate.sha256: certificate for certificate in given}
    leaf = order_chain(once.values()).path[0]
    others = [*once.values(), *known]
    ways = find_paths(
        leaf,
        intermediates=[c for c in others if not c.self_signed],
        roots=[c for c in others if c.self_signed],
        usage=usage,
        now=now,
    )
    way = next((each for each in ways if each.root.sha256 == root), ways[0])
    used = {certificate.sha256 for each in ways for certificate in each.certificates}
    first = [c for i, c in enumerate(given) if c not in given[:i]]
    return Bundle(
        way=way,
        ways=ways,
        duplicates=tuple(c for i, c in enumerate(given) if c in given[:i]),
        strangers=tuple(c for c in first if c.sha256 not in used),
        added=tuple(c for c in way.certificates if c.sha256 not in once),
        was_in_order=_is_in_order(first, way),
    )


def _is_in_order(given: Sequence[CertificateFacts], way: Path) -> bool:
    """Tell whether those of the way were given in its order."""
    places = [way.certificates.index(c) for c in given if c in way.certificates]
    return places == sorted(places)
