"""The names of a certificate as rows of their own, so that one is found by index."""

from __future__ import annotations

from collections.abc import Iterable

from aggportal.certs.models import Certificate, CertificateName
from aggportal.pki.covering import stored_value
from aggportal.pki.facts import CertificateFacts


def name_entries(
    certificate: Certificate, sans: Iterable[tuple[str, str]], *, sha1: str = ""
) -> list[CertificateName]:
    """Return unsaved rows for the (kind, value) pairs, each once; for whoever stores many at once.

    `sha1` (hex) is the fingerprint that OpenSSL shows by default; it becomes a row of kind sha1.
    """
    found = {(kind, stored_value(kind, value)) for kind, value in sans}
    if sha1:
        found.add(("sha1", sha1))
    return [
        CertificateName(certificate=certificate, kind=kind, value=value)
        for kind, value in sorted(found)
    ]


def store_name_entries(certificate: Certificate, facts: CertificateFacts) -> None:
    """Store the rows of one certificate; every door by which a certificate comes in calls this."""
    CertificateName.objects.bulk_create(name_entries(certificate, facts.sans, sha1=facts.sha1))
