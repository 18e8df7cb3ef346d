"""Signing revocation lists."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from aggportal.pki.crls import CannotSignLists, CrlFacts, sign_crl
from aggportal.pki.errors import KeyMismatch
from aggportal.pki.issuing import plan_authority, sign_certificate
from aggportal.pki.keys import DEFAULT_KEY, KeySpec, PrivateKey, generate_key
from aggportal.pki.linting import lint_revocations
from aggportal.pki.revocations import HOLD, REASONS, UNSPECIFIED, Revocation
from aggportal.pki.specs import RequestSpec

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)


def authority(spec: KeySpec = DEFAULT_KEY) -> tuple[x509.Certificate, PrivateKey]:
    key = generate_key(spec)
    plan = plan_authority(RequestSpec(common_name="ca", key=spec), now=NOW)
    return sign_certificate(plan, public_key=key.public_key(), issuer_key=key), key


CA, KEY = authority()


def signed(*revocations: Revocation, number: int = 1) -> x509.CertificateRevocationList:
    facts = CrlFacts(
        number=number, this_update=NOW, next_update=NOW + WEEK, revocations=revocations
    )
    der = sign_crl(facts, issuer=CA, issuer_key=KEY)
    assert not [one for one in lint_revocations(der) if one.is_fault]
    return x509.load_der_x509_crl(der)


def test_every_reason_is_written_but_the_one_that_says_nothing() -> None:
    rows = [Revocation(serial=n + 1, revoked_at=NOW, reason=r) for n, r in enumerate(REASONS)]
    crl = signed(*rows)
    said = {}
    for row in rows:
        entry = crl.get_revoked_certificate_by_serial_number(row.serial)
        assert entry is not None
        reasons = [extension.value.reason.value for extension in entry.extensions]
        said[row.reason] = reasons
    assert said == {reason: [] if reason == UNSPECIFIED else [reason] for reason in REASONS}
    assert HOLD in said


def test_times_are_written_to_the_second_in_utc() -> None:
    berlin = dt.timezone(dt.timedelta(hours=2))
    crl = signed(Revocation(serial=1, revoked_at=NOW.astimezone(berlin)))
    whole = NOW.replace(microsecond=0)
    assert (crl.last_update_utc, crl.next_update_utc) == (whole, whole + WEEK)
    assert crl[0].revocation_date_utc == whole


def test_the_number_and_the_issuers_key_identifier_stand_in_it() -> None:
    crl = signed(number=2**63 - 1)
    number = crl.extensions.get_extension_for_class(x509.CRLNumber)
    issuer = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    own = CA.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert (number.value.crl_number, number.critical) == (2**63 - 1, False)
    assert (issuer.value.key_identifier, issuer.critical) == (own, False)


def test_the_key_of_another_authority_signs_nothing() -> None:
    facts = CrlFacts(number=1, this_update=NOW, next_update=NOW + WEEK)
    with pytest.raises(KeyMismatch):
        sign_crl(facts, issuer=CA, issuer_key=generate_key(KeySpec()))


def test_an_authority_without_crl_sign_is_refused() -> None:
    usage = x509.KeyUsage(True, False, False, False, False, True, False, False, False)
    builder = x509.CertificateBuilder(
        CA.issuer, CA.subject, KEY.public_key(), 7, CA.not_valid_before_utc, CA.not_valid_after_utc
    )
    issuer = builder.add_extension(usage, critical=True).sign(KEY, hashes.SHA256())
    facts = CrlFacts(number=1, this_update=NOW, next_update=NOW + WEEK)
    with pytest.raises(CannotSignLists):
        sign_crl(facts, issuer=issuer, issuer_key=KEY)
