"""The signature itself, and the second look at it before anybody gets it."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.certs.services.lanes import NOTHING_PASSED, Passed
from aggportal.pki.issuing import sign_certificate
from aggportal.pki.keys import PrivateKey, PublicKey
from aggportal.pki.linting import require_no_fault
from aggportal.pki.plans import CertificatePlan


def sign_plan(
    plan: CertificatePlan,
    *,
    public_key: PublicKey,
    issuer_key: PrivateKey,
    passed: Passed = NOTHING_PASSED,
) -> x509.Certificate:
    """Sign what the plan says and let the linter look at it; in compat cfssl's faults are wanted.

    Raises what `sign_certificate` raises, `LintFault` and `LinterMissing`.
    """
    certificate = sign_certificate(
        plan,
        public_key=public_key,
        issuer_key=issuer_key,
        allow_reserved=bool(passed.dangers),
    )
    if not plan.compat:
        require_no_fault(certificate.public_bytes(Encoding.DER))
    return certificate
