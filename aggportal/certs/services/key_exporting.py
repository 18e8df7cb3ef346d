"""An authority's key leaves the portal: by a command on the server, encrypted to one recipient,
after two people said yes who are neither each other nor whoever asked.

What they approve is bound to the authority's public key and the recipient's certificate; another
recipient, or a successor's key, needs approvals of its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from django.db import transaction

from aggportal.accounts.roles import Role, require_actor_role
from aggportal.certs.models import Authority, KeyExport, KeyHome, Proposal
from aggportal.certs.services import approvals
from aggportal.certs.services.approvals import Deed, NotApproved
from aggportal.certs.services.signers import signer_of
from aggportal.ledger.services import record
from aggportal.pki.enveloping import envelope, read_recipient
from aggportal.pki.errors import InvalidField
from aggportal.vault.tokens import StaysInToken
from aggportal.web.actors import Actor
from aggportal.words import gettext_noop as _n

KIND, VOTES, MIN_REASON = "export_authority_key", 2, 10
LONGEST = dt.timedelta(hours=24)


def export_digest(spki_sha256: str, recipient_sha256: str) -> str:
    """Return what is approved (SHA-256, hex): this public key, to this certificate."""
    bound = f"aggportal/v1|export-authority-key|{spki_sha256}|{recipient_sha256}"
    return hashlib.sha256(bound.encode()).hexdigest()


@transaction.atomic
def ask_export(
    authority: Authority, recipient: str, *, reason: str, by: Actor, now: dt.datetime
) -> KeyExport:
    """Let it wait for two approvals, for a day at most.

    Raises StaysInToken, AlreadyProposed, and InvalidField on `recipient` or `reason`.
    """
    require_actor_role(by, Role.ADMINISTRATOR, on=authority.scope)
    require_exportable(authority)
    if len(reason.strip()) < MIN_REASON:
        raise InvalidField(
            _n("Say in at least %(least)d characters what it is for; the ledger keeps it."),
            field="reason",
            least=MIN_REASON,
        )
    facts = read_recipient(recipient, now=now)
    deed = Deed(
        kind=KIND,
        subject=("authority", authority.slug),
        label=authority.label,
        sha256=export_digest(authority.spki_sha256, facts.sha256),
        votes=VOTES,
        reason=reason.strip(),
    )
    proposal = approvals.propose(deed, by=by, now=now)
    proposal.expires_at = min(proposal.expires_at, now + LONGEST)
    proposal.save(update_fields=["expires_at"])
    return KeyExport.objects.create(
        authority=authority,
        proposal=proposal,
        recipient_pem=facts.pem,
        recipient_subject=facts.subject,
        recipient_sha256=facts.sha256,
    )


def open_export(authority: Authority) -> KeyExport | None:
    """Return what waits for approvals or for the command, expired or not."""
    rows = KeyExport.objects.select_related("proposal", "authority")
    proposal = approvals.open_proposal(KIND, ("authority", authority.slug))
    return rows.filter(proposal=proposal).first() if proposal else None


def approve_export(export: KeyExport, *, seen: str, by: Actor, now: dt.datetime) -> None:
    """Say yes to the recipient with the fingerprint `seen`, which the page showed.

    Raises SelfApproval, AlreadyApproved, ProposalOver, NotApproved.
    """
    authority = export.authority
    require_actor_role(by, Role.APPROVER, on=authority.scope)
    digest = export_digest(authority.spki_sha256, seen)
    approvals.approve(export.proposal, sha256=digest, by=by, now=now)


def reject_export(export: KeyExport, *, reason: str, by: Actor, now: dt.datetime) -> None:
    """End it; whoever asked may do so too. Raises ProposalOver."""
    if by.id != export.proposal.asked_by_id:
        require_actor_role(by, Role.APPROVER, on=export.authority.scope)
    approvals.reject(export.proposal, reason=reason, by=by, now=now)


@transaction.atomic
def take_export(authority: Authority, recipient: str, *, by: Actor, now: dt.datetime) -> bytes:
    """Return the key encrypted to the recipient (CMS, PEM), once; the ledger has it before this
    returns.

    Raises NotApproved, StaysInToken, InvalidField on `recipient`, and what opening a key raises.
    """
    require_exportable(authority)
    facts = read_recipient(recipient, now=now)
    digest = export_digest(authority.spki_sha256, facts.sha256)
    proposal = approvals.require_approved(
        KIND, ("authority", authority.slug), digest, votes=VOTES, by=by, now=now
    )
    people = _two_others(proposal)
    with signer_of(authority) as key:
        body = envelope(key, recipient=facts)
    record(
        "authority.key_exported",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={
            "asked_by": proposal.asker_name,
            "approved_by": people,
            "recipient": facts.subject,
            "recipient_sha256": facts.sha256,
            "spki_sha256": authority.spki_sha256,
            "reason": proposal.reason,
        },
        at=now,
    )
    return body


def require_exportable(authority: Authority) -> None:
    """Refuse a key that lives in a token. Raises StaysInToken."""
    if authority.key.home == KeyHome.TOKEN:
        raise StaysInToken.said()


def _two_others(proposal: Proposal) -> list[str]:
    """Return who approved; once more two of them, and not whoever asked. Raises NotApproved."""
    rows = proposal.approvals.exclude(approved_by_id=proposal.asked_by_id)
    people = dict(rows.values_list("approved_by_id", "approver_name"))
    if len(people) < VOTES or proposal.asked_by_id is None:
        raise NotApproved(_n("Two people other than whoever asked must approve this."))
    return sorted(people.values())
