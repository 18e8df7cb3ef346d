"""Every way from a certificate of ours up to a root, and the bundle of what somebody pastes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from aggportal.certs.models import Authority, Certificate, OtherRole
from aggportal.certs.services.chains import authority_chain, chain_above
from aggportal.pki.bundles import Bundle, bundle
from aggportal.pki.exports import ExportedFile
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.paths import Path, find_paths
from aggportal.pki.reading import read_certificate, read_certificates

# Authorities that are climbed through; more stand above nothing.
MAX_CLIMBED = 60


def authority_ways(authority: Authority, *, now: dt.datetime) -> tuple[Path, ...]:
    """Return every way up from an authority's present certificate, and from its cross-signed ones,
    good ones first.
    """
    own = authority_chain(authority)[0]
    crosses = [
        read_certificate(row.pem)
        for row in authority.other_certificates.filter(role=OtherRole.CROSS)
    ]
    known = tuple(_known((authority,)))
    found = [path for start in (own, *crosses) for path in _paths(start, known, now=now)]
    return tuple(sorted(found, key=lambda path: (not path.is_good, not path.is_anchored)))


def certificate_ways(certificate: Certificate, *, now: dt.datetime) -> tuple[Path, ...]:
    """Return every way up from a certificate, good ones first."""
    facts = read_certificate(certificate.material.pem)
    above = list(chain_above(certificate))
    start = (certificate.authority,) if certificate.authority else ()
    return _paths(facts, (*above, *_known(start)), now=now)


def way_file(path: Path, base: str) -> ExportedFile:
    """Return one way as PEM, end certificate first, without the root: that stands in the files of
    those who trust it.
    """
    steps = [c for i, c in enumerate(path.certificates) if not i or not c.self_signed]
    body = "".join(facts.pem for facts in steps).encode()
    return ExportedFile(name=f"{base}-to-{path.root.sha256[:12]}.pem", body=body)


def pasted_bundle(
    given: Sequence[CertificateFacts], *, root: str, usage: str, now: dt.datetime
) -> Bundle:
    """Order what somebody gives; what is missing is filled with authorities of ours."""
    names = {facts.issuer for facts in given}
    ours = Authority.objects.select_related("parent").filter(subject__in=names)
    return bundle(given, known=tuple(_known(ours[:MAX_CLIMBED])), root=root, usage=usage, now=now)


def _paths(
    leaf: CertificateFacts, known: Sequence[CertificateFacts], *, now: dt.datetime
) -> tuple[Path, ...]:
    return find_paths(
        leaf,
        intermediates=[facts for facts in known if not facts.self_signed],
        roots=[facts for facts in known if facts.self_signed],
        now=now,
    )


def _known(start: Sequence[Authority]) -> Iterator[CertificateFacts]:
    """Yield every certificate that could stand above: of the authorities, of their parents and of
    those who cross-signed them, and what came from outside with them.
    """
    waiting, seen = list(start), set[int]()
    while waiting and len(seen) < MAX_CLIMBED:
        authority = waiting.pop(0)
        if authority.pk in seen:
            continue
        seen.add(authority.pk)
        yield read_certificate(authority.certificate_pem)
        if authority.chain_pem.strip():
            yield from read_certificates(authority.chain_pem)
        if authority.parent is not None:
            waiting.append(authority.parent)
        crosses = authority.other_certificates.filter(role=OtherRole.CROSS)
        for row in crosses.select_related("issuer"):
            yield read_certificate(row.pem)
            if row.chain_pem.strip():
                yield from read_certificates(row.chain_pem)
            if row.issuer is not None:
                waiting.append(row.issuer)
