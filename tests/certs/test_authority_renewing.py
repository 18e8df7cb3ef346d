"""An authority's certificate with new dates: what it issued goes on verifying."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Kind, Lane, Mode
from aggportal.certs.services.authority_renewing import SignedElsewhere, renew_authority
from aggportal.certs.services.chains import Retired
from aggportal.certs.services.outside_renewing import accept_renewed_certificate, renewal_csr
from aggportal.certs.services.succession import AlreadyRenewed
from aggportal.ledger.models import Entry, Outcome
from aggportal.pki.errors import InvalidCertificate, KeyMismatch, OutlivesIssuer, PkiError
from aggportal.pki.issuers import issuer_of
from aggportal.pki.renewing import NewDates, names_issuers_serial
from aggportal.pki.renewing import renewed_authority as renewed_core
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.outside_made import outside_ca, signed_outside, under_outside
from tests.certs.parents_made import make_intermediate

pytestmark = pytest.mark.django_db
YEARS_AGO = dt.timedelta(days=3000)


def renewed(authority: Authority, *, life: dt.timedelta | None = None) -> Authority:
    return renew_authority(
        authority, life=life, seen=authority.fingerprint_sha256, by=ANA, now=timezone.now()
    )


def shape_of(authority: Authority) -> list[tuple[str, bool, bytes]]:
    certificate = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    return [
        (e.oid.dotted_string, e.critical, e.value.public_bytes()) for e in certificate.extensions
    ]


def verifies(ca: str, leaf: str, folder: Path, *, above: str = "") -> str:
    (folder / "ca.pem").write_text(ca)
    (folder / "leaf.pem").write_text(leaf)
    (folder / "above.pem").write_text(above or ca)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", "-untrusted", "above.pem"]
    done = subprocess.run(
        [*command, "leaf.pem"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.COMPAT])
def test_old_leaves_verify_under_the_new_certificate_and_new_ones_under_the_old(tmp_path, mode):
    before = make_authority(mode=mode, now=timezone.now() - YEARS_AGO)
    old_leaf = make_certificate(before)
    after = renewed(before)
    new_leaf = make_certificate(after)
    assert after.not_after > before.not_after
    for ca in (before.certificate_pem, after.certificate_pem):
        for leaf in (old_leaf, new_leaf):
            assert "leaf.pem: OK" in verifies(ca, leaf.material.pem, tmp_path)


def test_everything_but_serial_and_dates_stays():
    before = make_authority(now=timezone.now() - YEARS_AGO)
    after = renewed(before, life=dt.timedelta(days=365))
    assert shape_of(after) == shape_of(before)
    assert after.spki_sha256 == before.spki_sha256
    assert after.serial != before.serial
    assert (after.not_after - after.not_before) == dt.timedelta(days=365)
    earlier = after.other_certificates.get()
    assert (earlier.role, earlier.fingerprint_sha256) == ("earlier", before.fingerprint_sha256)
    assert earlier.pem == before.certificate_pem


def test_the_ledger_has_intent_and_deed():
    after = renewed(make_authority())
    entries = Entry.objects.filter(action="authority.renewed").order_by("seq")
    assert [entry.outcome for entry in entries] == [Outcome.INTENDED, Outcome.DONE]
    assert entries[1].detail["sha256"] == after.fingerprint_sha256


def test_whoever_looked_at_an_older_certificate_is_told():
    before = make_authority()
    renewed(before)
    with pytest.raises(AlreadyRenewed):
        renewed(before)
    with pytest.raises(AlreadyRenewed):
        renew_authority(Authority.objects.get(), life=None, seen="0", by=ANA, now=timezone.now())
    assert Authority.objects.get().other_certificates.count() == 1


def test_a_retired_authority_is_not_renewed():
    authority = make_authority()
    authority.retired_at = timezone.now()
    authority.save()
    with pytest.raises(Retired):
        renewed(authority)


def test_an_intermediate_is_signed_by_its_parent_as_a_row_of_its_own(tmp_path):
    root = make_authority("root", lane=Lane.GENERAL)
    below = make_intermediate(root, now=timezone.now())
    leaf = make_certificate(below, profile="front-proxy-client")
    after = renewed(below)
    assert after.issued_as is not None
    assert after.issued_as.predecessor == below.issued_as
    assert after.issued_as.kind == Kind.AUTHORITY
    assert after.issued_as.authority == root
    assert shape_of(after) == shape_of(below)
    told = verifies(root.certificate_pem, leaf.material.pem, tmp_path, above=after.certificate_pem)
    assert "leaf.pem: OK" in told
    earlier = after.other_certificates.get()
    assert (earlier.issuer, earlier.issued_as) == (root, below.issued_as)


def test_an_intermediate_ends_with_its_parent_and_not_beyond():
    root = make_authority("root", lane=Lane.GENERAL, expiry="100h")
    below = make_intermediate(root, now=timezone.now())
    assert renewed(below, life=dt.timedelta(days=99)).not_after == root.not_after
    ended = make_authority("ended", expiry="100h", now=timezone.now() - dt.timedelta(days=30))
    late = make_intermediate(ended, name="late", now=timezone.now() - dt.timedelta(days=30))
    with pytest.raises(OutlivesIssuer):
        renewed(late)
    assert Certificate.objects.filter(authority=ended).count() == 1


def test_an_outside_ca_gets_a_request_and_its_answer_takes_the_place():
    root = outside_ca()
    authority = under_outside(root)
    with pytest.raises(SignedElsewhere):
        renewed(authority)
    answer = signed_outside(root, renewal_csr(authority), days=4000)
    seen = authority.fingerprint_sha256
    after = accept_renewed_certificate(authority, answer, seen=seen, by=ANA, now=timezone.now())
    assert after.certificate_pem == answer
    assert after.chain_pem == authority.chain_pem
    certificate = x509.load_pem_x509_certificate(answer.encode())
    before = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    assert issuer_of(certificate).path_length == issuer_of(before).path_length == 0
    with pytest.raises(AlreadyRenewed):
        accept_renewed_certificate(authority, answer, seen=seen, by=ANA, now=timezone.now())


def test_a_certificate_that_is_not_the_authoritys_is_refused():
    root = outside_ca()
    authority, other = under_outside(root), under_outside(root, name="other")
    asked, later = renewal_csr(authority), 4000
    wrong: list[tuple[str, type[PkiError]]] = [
        (signed_outside(root, renewal_csr(other), days=later), KeyMismatch),
        (signed_outside(root, asked, days=10), InvalidCertificate),
        (signed_outside(root, asked, name="changed", days=later), InvalidCertificate),
        (signed_outside(outside_ca("new root"), asked, days=later), InvalidCertificate),
        (authority.certificate_pem, InvalidCertificate),
    ]
    for answer, refusal in wrong:
        with pytest.raises(refusal):
            accept_renewed_certificate(
                authority, answer, seen=authority.fingerprint_sha256, by=ANA, now=timezone.now()
            )
    assert not authority.other_certificates.exists()


def test_an_identifier_that_names_the_serial_names_the_new_one():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made by openssl")])
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    now = timezone.now().replace(microsecond=0)
    aki = x509.AuthorityKeyIdentifier(ski.digest, [x509.DirectoryName(name)], 7)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=9))
    builder = builder.public_key(key.public_key()).add_extension(aki, False)
    builder = builder.add_extension(ski, False).add_extension(
        x509.BasicConstraints(True, None), True
    )
    before = builder.sign(key, hashes.SHA256())
    after = renewed_core(before, dates=NewDates(now=now), signer=key)
    found = after.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert found.authority_cert_serial_number == after.serial_number != 7
    assert found.key_identifier == ski.digest
    assert names_issuers_serial(before)
