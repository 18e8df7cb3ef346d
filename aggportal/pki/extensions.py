"""A plan's X.509 extensions, in cfssl's order (RFC 5280 section 4.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from aggportal.pki.constraints import constraints_extension
from aggportal.pki.hosts import San
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.profiles import CertificatePolicy
from aggportal.pki.usages import EXTENDED_KEY_USAGES, KEY_USAGES

_NULL = b"\x05\x00"
# Delegated credentials, RFC 9345 section 4.2.
DELEGATION_USAGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.44363.44"), _NULL)

# What a profile or the issuer decides, or what would change who may be believed below it: never
# taken from a request (RFC 5280 section 4.2, RFC 6960 section 4.2.2.2.1, RFC 6962 section 3).
DECIDED_HERE = frozenset(
    (
        "2.5.29.9",  # subject directory attributes
        "2.5.29.14",  # subject key identifier
        "2.5.29.15",  # key usage
        "2.5.29.16",  # private key usage period
        "2.5.29.17",  # subject alternative name
        "2.5.29.18",  # issuer alternative name
        "2.5.29.19",  # basic constraints
        "2.5.29.30",  # name constraints
        "2.5.29.31",  # CRL distribution points
        "2.5.29.32",  # certificate policies
        "2.5.29.33",  # policy mappings
        "2.5.29.35",  # authority key identifier
        "2.5.29.36",  # policy constraints
        "2.5.29.37",  # extended key usage
        "2.5.29.46",  # freshest CRL
        "2.5.29.54",  # inhibit any policy
        "1.3.6.1.5.5.7.1.1",  # authority information access
        "1.3.6.1.5.5.7.48.1.5",  # OCSP no check
        "1.3.6.1.4.1.11129.2.4.2",  # signed certificate timestamps
        "1.3.6.1.4.1.11129.2.4.3",  # precertificate poison
        "2.16.840.1.113730.1.1",  # Netscape certificate type
    )
)

Extension = tuple[x509.ExtensionType, bool]


def extensions_of(plan: CertificatePlan, *, ski: bytes, aki: bytes | None) -> Iterator[Extension]:
    """Yield (extension, critical) in the order in which they are encoded.

    `ski` and `aki` are the key identifiers; no authority key identifier is written when `aki` is
    None.
    """
    if plan.key_usages:
        yield _key_usage(plan.key_usages), True
    if plan.extended_key_usages:
        oids = [EXTENDED_KEY_USAGES[name] for name in plan.extended_key_usages]
        yield x509.ExtendedKeyUsage(oids), False
    yield x509.BasicConstraints(ca=plan.is_ca, path_length=plan.path_length), True
    if plan.name_constraints:
        yield constraints_extension(plan.name_constraints), True
    yield x509.SubjectKeyIdentifier(ski), False
    if aki is not None:
        yield x509.AuthorityKeyIdentifier(aki, None, None), False
    if plan.ocsp_url or plan.issuer_urls:
        yield _authority_information(plan), False
    if plan.sans:
        yield x509.SubjectAlternativeName(general_names(plan.sans)), plan.sans_critical
    if plan.crl_url:
        yield _distribution_points(plan.crl_url), False
    yield from _asked_for(plan)
    if plan.policies:
        yield x509.CertificatePolicies([_policy(policy) for policy in plan.policies]), False
    if plan.ocsp_no_check:
        yield x509.OCSPNoCheck(), False


def _asked_for(plan: CertificatePlan) -> Iterator[Extension]:
    """Yield what the requester asked for and the profile leaves alone."""
    if plan.delegation:
        yield DELEGATION_USAGE, False
    for copied in plan.copied:
        oid = x509.ObjectIdentifier(copied.oid)
        yield x509.UnrecognizedExtension(oid, copied.value), copied.critical


def general_names(sans: tuple[San, ...]) -> list[x509.GeneralName]:
    """Return the names as cryptography's values, in their order."""
    return [_general_name(san) for san in sans]


def _general_name(san: San) -> x509.GeneralName:
    match san.kind:
        case "dns":
            return x509.DNSName(san.value)
        case "email":
            # Go takes local parts that a strict reader would not; the bytes are the same.
            return x509.RFC822Name._init_without_validation(san.value)
        case "ip":
            return x509.IPAddress(ipaddress.ip_address(san.value))
        case "uri":
            return x509.UniformResourceIdentifier(san.value)


def _key_usage(names: tuple[str, ...]) -> x509.KeyUsage:
    return x509.KeyUsage(**{keyword: name in names for name, keyword in KEY_USAGES.items()})


def _authority_information(plan: CertificatePlan) -> x509.AuthorityInformationAccess:
    pairs = [(AuthorityInformationAccessOID.OCSP, plan.ocsp_url)] if plan.ocsp_url else []
    pairs += [(AuthorityInformationAccessOID.CA_ISSUERS, url) for url in plan.issuer_urls]
    uri = x509.UniformResourceIdentifier
    return x509.AuthorityInformationAccess([x509.AccessDescription(o, uri(u)) for o, u in pairs])


def _distribution_points(url: str) -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])


def _policy(policy: CertificatePolicy) -> x509.PolicyInformation:
    qualifiers = [
        q.value if q.type == "id-qt-cps" else x509.UserNotice(None, q.value)
        for q in policy.qualifiers
    ]
    return x509.PolicyInformation(x509.ObjectIdentifier(policy.oid), qualifiers or None)
