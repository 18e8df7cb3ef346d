"""The signature itself, and the second look at it before anybody gets it."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aggportal.certs.services.lanes import NOTHING_PASSED, Passed
from aggportal.certs.services.two_people import plan_changed
from aggportal.pki.issuing import sign_certificate
from aggportal.pki.keys import PrivateKey, PublicKey
from aggportal.pki.linting import require_no_fault
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.powernames import require_no_power


def sign_plan(
    plan: CertificatePlan,
    *,
    public_key: PublicKey,
    issuer_key: PrivateKey,
    passed: Passed = NOTHING_PASSED,
    approved_sha256: str = "",
) -> x509.Certificate:
    """Sign what the plan says and let the linter look at it; in compat cfssl's faults are wanted.

    `approved_sha256` is of the bytes that a person looked at: other ones are not released.
    Names that are power are looked for in what was signed once more. Raises what `sign_certificate`
    raises, `LintFault`, `LinterMissing` and `PlanChanged`.
    """
    certificate = sign_certificate(
        plan,
        public_key=public_key,
        issuer_key=issuer_key,
        allow_reserved=passed.granted,
    )
    require_no_power(certificate, allow=passed.granted)
    if approved_sha256:
        _require_as_approved(certificate, approved_sha256)
    if not plan.compat:
        require_no_fault(certificate.public_bytes(Encoding.DER))
    return certificate


def _require_as_approved(certificate: x509.Certificate, sha256: str) -> None:
    if hashlib.sha256(certificate.tbs_certificate_bytes).hexdigest() != sha256:
        raise plan_changed()
