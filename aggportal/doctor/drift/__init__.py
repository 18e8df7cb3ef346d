"""Drift: what is live in a cluster against what we manage, as rows; nothing unread is green."""

from __future__ import annotations

from aggportal.doctor.drift.bundles import bundle_rows
from aggportal.doctor.drift.flags import flag_rows
from aggportal.doctor.drift.ours import OurAuthority, OurCertificate, Ours
from aggportal.doctor.drift.rows import Comparison, Kind, Row, Stand
from aggportal.doctor.drift.serving import SECRET_RULE, serving_rows
from aggportal.doctor.drift.trust import trust_rows
from aggportal.doctor.evidence import Evidence
from aggportal.doctor.secrets import certificate_secrets


def compare(evidence: Evidence, ours: Ours) -> Comparison:
    """Compare everything that can be."""
    rows = (
        *trust_rows(evidence, ours),
        *bundle_rows(evidence, ours),
        *serving_rows(evidence, ours),
        *flag_rows(evidence, ours),
    )
    return Comparison(rows=rows, secrets=certificate_secrets(evidence.services, evidence.secrets))


__all__ = [
    "SECRET_RULE",
    "Comparison",
    "Kind",
    "OurAuthority",
    "OurCertificate",
    "Ours",
    "Row",
    "Stand",
    "compare",
]
