"""The exact bytes that are to be signed, before the authority's key is there: whoever approves a
certificate approves these.

TBSCertificate (RFC 5280 section 4.1) names the signature's algorithm but not its value, so signing
the plan with a throwaway key of the same kind gives the very same bytes.
"""

from __future__ import annotations

import functools
import hashlib

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from aggportal.pki.issuing import certificate_builder
from aggportal.pki.keys import PrivateKey, PublicKey, hash_algorithm
from aggportal.pki.plans import CertificatePlan


def tbs_der(plan: CertificatePlan, *, public_key: PublicKey, signer: PublicKey) -> bytes:
    """Return the DER of what the key of `signer` is to sign by `plan` for `public_key`."""
    builder = certificate_builder(plan, public_key)
    signed = builder.sign(_throwaway(_kind(signer)), hash_algorithm(plan.signature_hash))
    return signed.tbs_certificate_bytes


def tbs_sha256(plan: CertificatePlan, *, public_key: PublicKey, signer: PublicKey) -> str:
    """Return the SHA-256 (hex) of what is to be signed."""
    return hashlib.sha256(tbs_der(plan, public_key=public_key, signer=signer)).hexdigest()


def _kind(key: PublicKey) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa"
    return "ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "ecdsa"


@functools.cache
def _throwaway(kind: str) -> PrivateKey:
    """Return a key that signs nothing that is kept; one of each kind is enough."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())
