"""Intermediates, and the answers of outside CAs, for tests: real keys, made by the services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from aggportal.certs.models import Authority, Lane, Mode, OwnRequest
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.intermediates import create_intermediate
from aggportal.certs.services.own_requests import (
    OwnChoices,
    create_authority_request,
    create_own_request,
)
from aggportal.pki.reading import load_certificate, read_certificate
from aggportal.pki.requests import load_request_spec
from aggportal.pki.specs import RequestSpec
from tests.certs.makers import ANA, P256, open_authority_key, preset_config
from tests.pki.certificates_made import AUTHORITY, SIGNING, key_usage
from tests.pki.paths_made import Link, link

DAY = dt.timedelta(days=1)


def ca_spec(name: str, **section: object) -> RequestSpec:
    return load_request_spec({"CN": name, "key": P256, "ca": {"expiry": "8760h", **section}})


def choices(name: str, *, lane: Lane = Lane.SERVING, override_reason: str = "") -> AuthorityChoices:
    return AuthorityChoices(
        label=name,
        slug=name,
        lane=lane,
        mode=Mode.STRICT,
        file_base=name,
        signing_config=preset_config("extension-serving", "front-proxy-client"),
        override_reason=override_reason,
    )


def make_intermediate(
    parent: Authority, name: str = "sub", *, lane: Lane = Lane.SERVING, **section: object
) -> Authority:
    """A P-256 authority `name` below `parent`; `section` goes into its `ca`."""
    spec = ca_spec(name, **section)
    return create_intermediate(
        spec, choices(name, lane=lane), parent=parent, by=ANA, now=timezone.now()
    )


def ask(name: str = "web", *, hosts: Sequence[str] = ("web.example.com",), **rest) -> OwnRequest:
    """A key and CSR for a certificate."""
    spec = load_request_spec({"CN": name, "hosts": list(hosts), "key": P256})
    return create_own_request(spec, OwnChoices(file_base=name, **rest), by=ANA, now=timezone.now())


def ask_for_authority(name: str = "sub", *, lane: Lane = Lane.SERVING) -> OwnRequest:
    return create_authority_request(
        ca_spec(name), choices(name, lane=lane), by=ANA, now=timezone.now()
    )


def outside(name: str = "outside-root") -> Link:
    """A CA that is not ours."""
    now = timezone.now().replace(microsecond=0)
    return link(name, since=now - DAY, until=now + 3650 * DAY)


def signing_link(authority: Authority) -> Link:
    """Our authority with its key, as if somebody signed with it elsewhere."""
    facts = read_certificate(authority.certificate_pem)
    key = open_authority_key(authority)
    return Link(facts=facts, certificate=load_certificate(facts), key=key)  # type: ignore[arg-type]  # P-256


def answered(
    csr_pem: str,
    by: Link,
    *,
    ca: bool = False,
    names: Sequence[str] = ("web.example.com",),
    subject: x509.Name | None = None,
    days: tuple[int, int] = (-1, 90),
) -> str:
    """What `by` makes of a CSR, as PEM."""
    csr, now = x509.load_pem_x509_csr(csr_pem.encode()), timezone.now().replace(microsecond=0)
    key = csr.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or csr.subject)
        .issuer_name(by.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca, None), True)
        .add_extension(key_usage(*(AUTHORITY if ca else SIGNING)), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), False
        )
    )
    if names and not ca:
        sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(sans, False)
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
