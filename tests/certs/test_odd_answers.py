"""Certificates that come from outside and are not as they should be: an answer without its chain,
with strangers, with texts and numbers that no database takes.
"""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, OwnRequest
from aggportal.certs.services.answering import read_answer, settle
from aggportal.certs.services.cross_signing import add_cross_certificate, make_cross_request
from aggportal.certs.services.outside_renewing import accept_renewed_certificate, renewal_csr
from aggportal.pki.errors import InvalidCertificate, NotAnAuthority
from aggportal.pki.existing import require_storable
from aggportal.pki.reading import read_certificate
from tests.certs.chains_made import answered, ask, ask_for_authority, outside
from tests.certs.makers import ANA, make_authority
from tests.certs.outside_made import outside_ca, signed_outside, under_outside
from tests.pki.certificates_made import key_usage
from tests.pki.paths_made import Link, name_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive"),
]


def with_long_serial(pem: str, by: Link) -> str:
    """The same certificate with a serial number of 25 octets, signed anew by `by`."""
    old = x509.load_pem_x509_certificate(pem.encode())
    builder = (
        x509.CertificateBuilder(extensions=list(old.extensions))
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
    )
    builder._serial_number = 1 << 199  # the builder itself refuses what CAs have done
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_an_authority_without_the_one_above_it_is_never_taken_for_a_root():
    own, ca = ask_for_authority(), outside()
    alone = answered(own.csr_pem, ca, ca=True)
    for given in (alone, alone + outside("stranger").facts.pem):
        with pytest.raises(InvalidCertificate, match="whose certificate is missing"):
            read_answer(given)
    assert not Authority.objects.exists()
    assert OwnRequest.objects.get().is_open


def test_an_authority_that_may_not_sign_certificates_is_refused():
    own, ca = ask_for_authority(), outside()
    good = x509.load_pem_x509_certificate(answered(own.csr_pem, ca, ca=True).encode())
    rest = [e for e in good.extensions if not isinstance(e.value, x509.KeyUsage)]
    builder = x509.CertificateBuilder(
        good.issuer,
        good.subject,
        good.public_key(),
        good.serial_number,
        good.not_valid_before_utc.replace(tzinfo=None),
        good.not_valid_after_utc.replace(tzinfo=None),
        rest,
    ).add_extension(key_usage("crl_sign"), True)
    pem = builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    with pytest.raises(NotAnAuthority, match="cert sign"):
        read_answer(pem + ca.facts.pem)


def test_texts_that_no_database_takes_are_stored_readably():
    own, ca = ask(), outside("c\x00d")
    answer = answered(own.csr_pem, ca, subject=name_of("a\x00b"), names=("x\x00y.example",))
    made = settle(read_answer(answer), by=ANA, now=timezone.now())
    assert isinstance(made, Certificate)
    made.refresh_from_db()
    kept = [made.common_name, made.subject, made.names, made.issuer_subject]
    kept += made.name_entries.values_list("value", flat=True)
    assert not any("\x00" in text for text in kept)
    assert made.common_name == "a\ufffdb"


def test_a_serial_number_that_is_longer_than_allowed_is_refused_at_every_door():
    own, ca = ask(), outside()
    with pytest.raises(InvalidCertificate, match="20 octets"):
        read_answer(with_long_serial(answered(own.csr_pem, ca), ca))
    authority = make_authority()
    asked = make_cross_request(authority, by=ANA, now=timezone.now())
    crossed = with_long_serial(answered(asked, ca, ca=True), ca)
    with pytest.raises(InvalidCertificate, match="20 octets"):
        add_cross_certificate(authority, crossed, by=ANA, now=timezone.now())


def test_a_negative_serial_number_is_refused_before_a_list_would_have_to_name_it():
    ca = outside()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name_of("old"))
        .issuer_name(ca.certificate.subject)
        .public_key(ca.key.public_key())
        .not_valid_before(ca.facts.not_before)
        .not_valid_after(ca.facts.not_after)
        .serial_number(0x7B)
    )
    der = builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.DER)
    facts = read_certificate(der.replace(b"\x02\x01\x7b", b"\x02\x01\xfb", 1))
    assert facts.serial == "-5"
    with pytest.raises(InvalidCertificate, match="negative"):
        require_storable(facts)


def test_of_what_came_with_a_renewed_authority_only_what_is_above_it_is_kept():
    root, stranger = outside_ca(), outside_ca("stranger")
    authority = under_outside(root)
    answer = signed_outside(root, renewal_csr(authority), days=4000)
    after = accept_renewed_certificate(
        authority,
        answer + stranger.pem + root.pem,
        seen=authority.fingerprint_sha256,
        by=ANA,
        now=timezone.now(),
    )
    assert after.chain_pem == root.pem


def test_a_stranger_is_no_chain_of_a_renewed_authority():
    other, stranger = outside_ca("other root"), outside_ca("stranger")
    authority = under_outside(outside_ca())
    answer = signed_outside(other, renewal_csr(authority), days=4000)
    with pytest.raises(InvalidCertificate, match="Another CA signed it"):
        accept_renewed_certificate(
            authority,
            answer + stranger.pem,
            seen=authority.fingerprint_sha256,
            by=ANA,
            now=timezone.now(),
        )
