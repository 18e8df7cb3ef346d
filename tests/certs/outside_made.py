"""A CA that is not ours, and authorities of ours that it signed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.utils import timezone

from aggportal.certs.models import Authority
from aggportal.pki.facts import certificate_facts
from aggportal.pki.issuers import key_identifier
from aggportal.pki.renewing import public_key_of
from tests.certs.makers import make_authority


@dataclass(frozen=True)
class Outside:
    """Key and certificate of a root elsewhere."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def outside_ca(name: str = "outside root") -> Outside:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = timezone.now().replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=9000))
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.SubjectKeyIdentifier(key_identifier(key.public_key())), False)
    )
    return Outside(key, builder.sign(key, hashes.SHA256()))


def signed_outside(root: Outside, csr_pem: str, *, days: int, name: str = "") -> str:
    """What an outside CA answers: the request's subject (or another `name`) and extensions."""
    csr = x509.load_pem_x509_csr(csr_pem.encode())
    other = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name or "same")])
    now = timezone.now().replace(microsecond=0)
    aki = x509.AuthorityKeyIdentifier(key_identifier(root.key.public_key()), None, None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(other if name else csr.subject)
        .issuer_name(root.certificate.subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
        .public_key(csr.public_key())
        .add_extension(aki, False)
    )
    for extension in csr.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(root.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def under_outside(root: Outside, *, name: str = "below-outside") -> Authority:
    """An authority of ours whose certificate `root` signed."""
    authority = make_authority(name)
    old = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    aki = x509.AuthorityKeyIdentifier(key_identifier(root.key.public_key()), None, None)
    now = timezone.now().replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(root.certificate.subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1000))
        .public_key(old.public_key())
        .add_extension(x509.BasicConstraints(True, 0), True)
        .add_extension(x509.SubjectKeyIdentifier(key_identifier(public_key_of(old))), False)
        .add_extension(aki, False)
    )
    certificate = builder.sign(root.key, hashes.SHA256())
    facts = certificate_facts(certificate)
    authority.certificate_pem, authority.chain_pem = facts.pem, root.pem
    authority.fingerprint_sha256, authority.serial = facts.sha256, facts.serial.zfill(40)
    authority.not_before, authority.not_after = facts.not_before, facts.not_after
    authority.save()
    return authority
