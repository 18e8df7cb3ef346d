"""Names of what a signing request may carry, extensions and attributes, as OpenSSL writes them."""

from __future__ import annotations

CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"  # noqa: S105  # an attribute's OID
_NAMES = {
    "2.5.29.14": "subjectKeyIdentifier",
    "2.5.29.16": "privateKeyUsagePeriod",
    "2.5.29.18": "issuerAltName",
    "2.5.29.30": "nameConstraints",
    "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.32": "certificatePolicies",
    "2.5.29.35": "authorityKeyIdentifier",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
    "1.3.6.1.5.5.7.1.24": "tlsFeature",
    "1.3.6.1.5.5.7.48.1.5": "ocspNoCheck",
    "2.16.840.1.113730.1.1": "netscapeCertType",
    "2.16.840.1.113730.1.13": "netscapeComment",
    "1.3.6.1.4.1.311.20.2": "microsoftCertificateTemplate",
    "1.3.6.1.4.1.44363.44": "delegationUsage",
    CHALLENGE_PASSWORD: "challengePassword",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.3.6.1.4.1.311.13.2.3": "microsoftOsVersion",
    "1.3.6.1.4.1.311.13.2.2": "microsoftEnrollmentProvider",
    "1.3.6.1.4.1.311.21.20": "microsoftClientInfo",
}


def named(oid: str) -> str:
    """Return an identifier with its name before it, where it has one."""
    name = _NAMES.get(oid)
    return f"{name} ({oid})" if name else oid
