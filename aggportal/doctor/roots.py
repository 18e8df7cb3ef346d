"""The public roots, as this machine has them: who trusts no caBundle trusts such."""

from __future__ import annotations

import datetime as dt
import functools

from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.paths import Path, find_paths
from aggportal.pki.reading import read_certificates


def way_to_public_root(chain: tuple[CertificateFacts, ...], *, now: dt.datetime) -> Path | None:
    """The best way from a served chain to a root of this machine, None where it knows no roots.

    Its own dates are not judged, since another check does that.
    """
    roots = public_roots()
    if not roots:
        return None
    own = chain[0]
    at = min(max(now, own.not_before), own.not_after)
    return find_paths(own, intermediates=chain[1:], roots=roots, now=at)[0]


@functools.lru_cache(maxsize=1)
def public_roots() -> tuple[CertificateFacts, ...]:
    """The roots that OpenSSL finds here (SSL_CERT_FILE, or the distribution's bundle)."""
    import ssl  # heavy, and only wanted where a caBundle is missing

    context = ssl.create_default_context()
    found: list[CertificateFacts] = []
    for known, der in zip(
        context.get_ca_certs(), context.get_ca_certs(binary_form=True), strict=True
    ):
        # Serial number zero, as one old root has it, is against RFC 5280: our reader warns of it.
        if not str(known.get("serialNumber", "")).strip("0-"):
            continue
        try:
            found.extend(read_certificates(der))
        except PkiError:  # a root that our reader does not understand anchors nothing here
            continue
    return tuple(found)
