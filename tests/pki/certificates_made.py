"""Real certificates for tests, made with the library's own builder so that any field can be wrong
on purpose.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate

NOW = dt.datetime(2026, 11, 23, 5, 0, tzinfo=dt.UTC)
YEAR = dt.timedelta(days=365)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
SIGNING = ("digital_signature", "key_encipherment")
AUTHORITY = ("key_cert_sign", "crl_sign")
USAGES = (
    *SIGNING,
    *AUTHORITY,
    "content_commitment",
    "data_encipherment",
    "key_agreement",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A certificate, what we read from it, and its key."""

    certificate: x509.Certificate
    facts: CertificateFacts
    key: ec.EllipticCurvePrivateKey

    @property
    def key_pem(self) -> str:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return pem.decode()


def distinguished(cn: str, organizations: tuple[str, ...] = ()) -> x509.Name:
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
    return x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else names)


def key_usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in wanted for name in USAGES})


def san(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def make(
    cn: str,
    *,
    by: Made | None = None,
    organizations: tuple[str, ...] = (),
    hosts: tuple[str, ...] = (),
    usages: tuple[str, ...] | None = None,
    extended: tuple[x509.ObjectIdentifier, ...] = (),
    is_ca: bool = False,
    path_length: int | None = None,
    since: dt.datetime = NOW - dt.timedelta(minutes=5),
    until: dt.datetime = NOW + YEAR,
    aki: bool = True,
) -> Made:
    """Make one certificate, signed by `by` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = by.key if by else key
    subject = distinguished(cn, organizations)
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(is_ca, path_length if is_ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    chosen = usages if usages is not None else (AUTHORITY if is_ca else SIGNING)
    if chosen:
        builder = builder.add_extension(key_usage(*chosen), critical=True)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    if hosts:
        names = x509.SubjectAlternativeName([san(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    if by and aki:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    facts = read_certificate(certificate.public_bytes(Encoding.DER))
    return Made(certificate=certificate, facts=facts, key=key)


def authority(cn: str = "aggregator-ca", **rest: object) -> Made:
    """Make a self-signed authority of ten years."""
    return make(cn, **{"is_ca": True, "until": NOW + 10 * YEAR, **rest})  # type: ignore[arg-type]


def proxy_client(by: Made, cn: str = "front-proxy-client", **rest: object) -> Made:
    """Make what kube-apiserver wants behind --proxy-client-cert-file."""
    return make(cn, by=by, **{"extended": (CLIENT,), **rest})  # type: ignore[arg-type]


def serving(by: Made, *, service: str = "api", namespace: str = "wardle", **rest: object) -> Made:
    """Make what an extension API server serves with."""
    name = f"{service}.{namespace}.svc"
    return make(name, by=by, **{"extended": (SERVER,), "hosts": (name,), **rest})  # type: ignore[arg-type]
