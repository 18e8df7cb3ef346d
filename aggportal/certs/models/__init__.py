"""Authorities, signing requests, certificates, and the sealed keys of them."""

from __future__ import annotations

from aggportal.certs.models.authorities import Authority, Lane, Mode
from aggportal.certs.models.certificates import Certificate, CertificateMaterial
from aggportal.certs.models.keys import SealedKey
from aggportal.certs.models.signing_requests import SigningRequest, State

__all__ = [
    "Authority",
    "Certificate",
    "CertificateMaterial",
    "Lane",
    "Mode",
    "SealedKey",
    "SigningRequest",
    "State",
]
