"""pkilint looks at what we issue, and is absent from the process until it is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from aggportal.pki.errors import PkiError
from aggportal.pki.issuers import issuer_of
from aggportal.pki.issuing import plan_authority, plan_certificate, sign_certificate
from aggportal.pki.keys import KeySpec, generate_key
from aggportal.pki.linting import (
    LinterMissing,
    LintFinding,
    _linter,
    lint_certificate,
    lint_revocations,
)
from aggportal.pki.presets import PRESETS
from aggportal.pki.requests import load_request_spec
from tests.pki.certificates_made import NOW, SERVER, authority, make, serving

CA = authority()
DER = serving(CA).facts.der


def faults(der: bytes) -> list[str]:
    return [finding.code for finding in lint_certificate(der) if finding.is_fault]


@pytest.mark.parametrize("profile", ["front-proxy-client", "extension-serving", "aggregator"])
@pytest.mark.parametrize("algo", ["rsa", "ecdsa"])
def test_what_we_issue_has_no_fault(profile: str, algo: str):
    spec = KeySpec(algo=algo, size=2048 if algo == "rsa" else 256)
    key = generate_key(spec)
    document = {"key": {"algo": spec.algo, "size": spec.size}}
    own = load_request_spec({**document, "CN": "ca", "ca": {"expiry": "99999h"}})
    ca = sign_certificate(plan_authority(own, now=NOW), public_key=key.public_key(), issuer_key=key)
    asked = load_request_spec(
        {**document, "CN": "a", "hosts": ["kubernetes", "a.b.svc", "*.b.svc", "10.0.0.1"]}
    )
    plan = plan_certificate(asked, profile=PRESETS[profile], issuer=issuer_of(ca), now=NOW)
    leaf = sign_certificate(plan, public_key=key.public_key(), issuer_key=key)
    assert faults(ca.public_bytes(Encoding.DER)) == []
    assert faults(leaf.public_bytes(Encoding.DER)) == []


def test_planted_faults_are_found_with_their_source():
    spaced = make("x", by=CA, extended=(SERVER,), hosts=("a b",), usages=("digital_signature",))
    (finding,) = [f for f in lint_certificate(spaced.facts.der) if f.is_fault]
    assert (finding.code, finding.source) == ("pkix.invalid_domain_name_syntax", "pkilint")
    assert "dNSName" in finding.path
    unlinked = make("x", by=CA, usages=("digital_signature",), aki=False)
    assert "pkix.authority_key_identifier_extension_absent" in faults(unlinked.facts.der)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_a_damaged_certificate_gives_findings_or_a_refusal(place: int, byte: int):
    try:
        found = lint_certificate(DER[:place] + bytes([byte]) + DER[place + 1 :])
    except PkiError:
        return
    assert all(isinstance(finding, LintFinding) for finding in found)


def test_pkilint_is_not_imported_before_it_is_used():
    script = "import sys, aggportal.pki.linting; sys.exit('pkilint' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_without_pkilint_it_says_so(monkeypatch: pytest.MonkeyPatch):
    _linter.cache_clear()
    monkeypatch.setitem(sys.modules, "pkilint", None)
    with pytest.raises(LinterMissing, match="not installed"):
        lint_certificate(DER)


def test_a_list_before_which_the_linter_panics_is_refused_in_words():
    scope = x509.IssuingDistributionPoint(
        full_name=None,
        relative_name=x509.RelativeDistinguishedName(
            [x509.NameAttribute(x509.NameOID.COMMON_NAME, "part")]
        ),
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=frozenset([x509.ReasonFlags.key_compromise]),
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(CA.certificate.subject)
        .last_update(NOW)
        .next_update(NOW.replace(year=NOW.year + 1))
    )
    plain = builder.sign(CA.key, hashes.SHA256()).public_bytes(Encoding.DER)
    codes = {finding.code for finding in lint_revocations(plain)}
    assert "pkix.authority_key_identifier_missing" in codes
    odd = builder.add_extension(scope, critical=True).sign(CA.key, hashes.SHA256())
    with pytest.raises(PkiError, match="cannot read this"):
        lint_revocations(odd.public_bytes(Encoding.DER))
