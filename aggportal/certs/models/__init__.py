"""Authorities, requests, certificates, what is published about them, and the sealed keys."""

from __future__ import annotations

from aggportal.certs.models.approvals import Approval, Proposal, ProposalState
from aggportal.certs.models.authorities import (
    Authority,
    AuthorityCertificate,
    Lane,
    Mode,
    OtherRole,
)
from aggportal.certs.models.certificate_parts import CertificateMaterial, CertificateName
from aggportal.certs.models.certificates import (
    Certificate,
    Kind,
    Origin,
    Reason,
    Tag,
)
from aggportal.certs.models.import_drafts import ImportDraft
from aggportal.certs.models.key_exports import KeyExport
from aggportal.certs.models.keys import KeyHome, SealedKey
from aggportal.certs.models.own_requests import OwnRequest, Purpose
from aggportal.certs.models.renewal_runs import ItemState, RenewalItem, RenewalRun, RunState
from aggportal.certs.models.revocation import OcspAnswer, RevocationList
from aggportal.certs.models.signing_requests import SigningRequest, State

__all__ = [
    "Approval",
    "Authority",
    "AuthorityCertificate",
    "Certificate",
    "CertificateMaterial",
    "CertificateName",
    "ImportDraft",
    "ItemState",
    "KeyExport",
    "KeyHome",
    "Kind",
    "Lane",
    "Mode",
    "OcspAnswer",
    "Origin",
    "OtherRole",
    "OwnRequest",
    "Proposal",
    "ProposalState",
    "Purpose",
    "Reason",
    "RenewalItem",
    "RenewalRun",
    "RevocationList",
    "RunState",
    "SealedKey",
    "SigningRequest",
    "State",
    "Tag",
]
