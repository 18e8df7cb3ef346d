"""Making PKCS#10 requests (RFC 2986) as cfssl makes them."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.pki.constraints import constraints_extension
from aggportal.pki.extensions import DELEGATION_USAGE, general_names
from aggportal.pki.facts import extension_of
from aggportal.pki.hosts import classify_hosts
from aggportal.pki.keys import (
    PrivateKey,
    hash_algorithm,
    key_spec_of,
    require_allowed_key,
    signature_hash_for,
)
from aggportal.pki.names import build_request_subject
from aggportal.pki.specs import RequestSpec


def make_csr(
    spec: RequestSpec, *, key: PrivateKey, compat: bool = False
) -> x509.CertificateSigningRequest:
    """Make a CSR: subject and subject alternative names; of an authority (`ca`) the basic
    constraints.

    `compat` keeps an authority's hosts, as cfssl does. Raises what host reading raises.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        build_request_subject(spec, compat=compat)
    )
    sans = classify_hosts(spec.hosts, compat=compat)
    if sans and (spec.ca is None or compat):
        builder = builder.add_extension(x509.SubjectAlternativeName(general_names(sans)), False)
    if spec.ca is not None:
        length = spec.ca.pathlen if spec.ca.pathlen or spec.ca.pathlenzero else None
        builder = builder.add_extension(x509.BasicConstraints(True, length), True)
        if spec.ca.name_constraints:
            constraints = constraints_extension(spec.ca.name_constraints)
            builder = builder.add_extension(constraints, True)
    if spec.delegation_enabled:
        builder = builder.add_extension(DELEGATION_USAGE, False)
    for extension in spec.extensions:
        oid = x509.ObjectIdentifier(extension.oid)
        value = x509.UnrecognizedExtension(oid, extension.value)
        builder = builder.add_extension(value, extension.critical)
    public_key = require_allowed_key(key.public_key())
    return builder.sign(key, hash_algorithm(signature_hash_for(key_spec_of(public_key))))


def authority_csr(
    certificate: x509.Certificate, *, key: PrivateKey
) -> x509.CertificateSigningRequest:
    """Make a CSR of an authority that exists: its subject to the byte, its basic and name
    constraints.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(certificate.subject)
    for kind in (x509.BasicConstraints, x509.NameConstraints):
        value = extension_of(certificate, kind)
        if value is not None:
            builder = builder.add_extension(value, True)
    public_key = require_allowed_key(key.public_key())
    return builder.sign(key, hash_algorithm(signature_hash_for(key_spec_of(public_key))))


def csr_pem(csr: x509.CertificateSigningRequest) -> str:
    """Write a CSR as PEM, label CERTIFICATE REQUEST."""
    return csr.public_bytes(Encoding.PEM).decode("ascii")
