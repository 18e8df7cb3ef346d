"""Asking for the status of a certificate as clients do, for tests."""

from __future__ import annotations

from base64 import b64encode

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from django.test import Client
from django.urls import reverse

from aggportal.certs.models import Authority, Certificate, RevocationList

NONCE = b"0123456789abcdef"
SHA1 = hashes.SHA1()  # noqa: S303  # what most clients name an issuer by (RFC 5019)


def issuer_of(certificate: Certificate) -> Authority:
    """The authority of ours that signed it."""
    assert certificate.authority is not None
    return certificate.authority


def loaded(owner: Authority | Certificate) -> x509.Certificate:
    pem = owner.certificate_pem if isinstance(owner, Authority) else owner.material.pem
    return x509.load_pem_x509_certificate(pem.encode())


def question(
    certificate: Certificate,
    *,
    algorithm: hashes.HashAlgorithm | None = None,
    nonce: bytes | None = None,
    serial: int | None = None,
    issuer: Authority | None = None,
) -> bytes:
    """The DER of a question about `certificate`, or about `serial` under its issuer."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        loaded(certificate), loaded(issuer or issuer_of(certificate)), algorithm or SHA1
    )
    if serial is not None:
        asked = builder.build()
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            asked.issuer_name_hash, asked.issuer_key_hash, serial, asked.hash_algorithm
        )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def post(authority: Authority, der: bytes, *, client: Client | None = None):
    path = reverse("certs:ocsp_post", args=[authority.slug])
    kind = "application/ocsp-request"
    return (client or Client()).post(path, der, content_type=kind)


def get(authority: Authority, der: bytes, **headers: str):
    asked = b64encode(der).decode()
    path = reverse("certs:ocsp_get", args=[authority.slug, asked])
    return Client().get(path, headers=headers)


def said(response) -> ocsp.OCSPResponse:
    assert response.status_code == 200, response.status_code
    assert response["Content-Type"] == "application/ocsp-response"
    return ocsp.load_der_ocsp_response(response.content)


def newest_list(authority: Authority) -> x509.CertificateRevocationList:
    return read_list(authority.crls.order_by("-number")[0])


def read_list(row: RevocationList) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(bytes(row.der))


def number_of(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
