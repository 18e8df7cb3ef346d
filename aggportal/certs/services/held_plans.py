"""What a frozen certificate is planned from, as JSON and back: planned anew as of the moment at
which it was frozen, it gives the very same bytes, unless something changed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography import x509

from aggportal.certs.keeping import Keeping
from aggportal.certs.models import Mode, SigningRequest
from aggportal.certs.services.issuing import IssueChoices, plan_for
from aggportal.certs.services.lost_keys import lost_keys
from aggportal.certs.services.received import Decision, csr_of, plan_request
from aggportal.certs.services.two_people import digest_of_plan, plan_changed
from aggportal.pki.csrplanning import Changes, request_spec_of
from aggportal.pki.keys import PublicKey, require_allowed_key, spki_sha256
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.renewing import public_key_of
from aggportal.pki.requests import dump_request_spec, load_request_spec, parse_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

Held = Mapping[str, Any]


class KeySpent(RefusedError):
    """The key was compromised meanwhile."""

    code = "key-spent"


def held_choices(choices: IssueChoices) -> dict[str, object]:
    """Return what is kept of a certificate that was described here."""
    return {
        "ours": True,
        "profile": choices.profile,
        "file_base": choices.file_base,
        "compat": choices.compat,
        "end_with_authority": choices.end_with_authority,
        "exportable": choices.exportable,
        "override_reason": choices.override_reason,
        "power_reason": choices.power_reason,
        "owner": choices.keeping.owner,
        "tags": list(choices.keeping.tags),
    }


def choices_of(request: SigningRequest) -> IssueChoices:
    """Return how a frozen certificate that was described here is to be issued."""
    held = dict(request.held)
    keeping = Keeping(owner=held.pop("owner"), tags=tuple(held.pop("tags")))
    held.pop("ours")
    return IssueChoices(keeping=keeping, **held)


def held_decision(decision: Decision) -> dict[str, object]:
    """Return what is kept of a decision on somebody's request."""
    hosts, subject = decision.changes.hosts, decision.changes.subject
    return {
        "profile": decision.profile,
        "hosts": None if hosts is None else list(hosts),
        "subject": None if subject is None else dump_request_spec(subject),
        "override_reason": decision.override_reason,
        "power_reason": decision.power_reason,
    }


def decision_of(request: SigningRequest) -> Decision:
    """Return the frozen decision on somebody's request."""
    held: Held = request.held
    hosts, subject = held["hosts"], held["subject"]
    strict = request.authority.mode != Mode.COMPAT
    return Decision(
        profile=held["profile"],
        changes=Changes(
            hosts=None if hosts is None else tuple(hosts),
            subject=None if subject is None else load_request_spec(subject, strict=strict),
        ),
        override_reason=held["override_reason"],
        power_reason=held["power_reason"],
    )


def spec_of(request: SigningRequest) -> RequestSpec:
    """Return the request spec of a frozen certificate; that of somebody's request as decided."""
    if not request.is_ours:
        return request_spec_of(csr_of(request), changes=decision_of(request).changes)
    compat = request.held["compat"] or request.authority.mode == Mode.COMPAT
    return parse_request_spec(request.request_spec, strict=not compat)


def plan_held(request: SigningRequest) -> tuple[CertificatePlan, PublicKey]:
    """Plan a frozen certificate as of `held_at`, with its reserved serial; return the plan and the
    key that it is for. Raises what the core refuses by now, and `KeySpent`.
    """
    if request.held_at is None:
        raise plan_changed()
    if request.is_ours:
        plan = plan_for(
            request.authority, spec_of(request), choices_of(request), now=request.held_at
        )
        public_key = _own_key(request)
    else:
        csr = csr_of(request)
        decision = decision_of(request)
        plan = plan_request(request.authority, csr, decision, now=request.held_at)
        public_key = csr.public_key
    return replace(plan, serial=int(request.serial, 16)), public_key


def digest_held(request: SigningRequest) -> str:
    """Return the SHA-256 (hex) of what would be signed for a frozen request by now."""
    return digest_of_plan(request.authority, *plan_held(request))


def _own_key(request: SigningRequest) -> PublicKey:
    """Return the key that was made for it, or that of the certificate that it renews."""
    if request.key is not None:
        csr = x509.load_pem_x509_csr(request.csr_pem.encode())
        key = require_allowed_key(csr.public_key())
        if spki_sha256(key) != request.key.binding:
            raise plan_changed()
        return key
    if request.renews is None:
        raise plan_changed()
    if lost_keys([request.renews.spki_sha256]):
        raise KeySpent(_n("The key was revoked as compromised meanwhile. Renew it with a new key."))
    pem = request.renews.material.pem
    return public_key_of(x509.load_pem_x509_certificate(pem.encode()))
