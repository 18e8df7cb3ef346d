"""The row of an authority: made here, signed by another, or brought from elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from aggportal.certs.models import Authority, Certificate, KeyHome, Lane, Mode, SealedKey
from aggportal.certs.services.importing import plain
from aggportal.ledger.services import record
from aggportal.pki.facts import CertificateFacts
from aggportal.web.actors import Actor


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityChoices:
    """What an authority is besides its request spec.

    `signing_config` is the text of a checked ca-config.json. `override_reason` lets pass what the
    lane forbids; only an administrator may give it. `key_may_leave` is for an intermediate alone:
    its key may be taken to cert-manager. `key_home` is where the key is made and lives: sealed in
    the database, or in a token that it never leaves.
    """

    label: str
    slug: str
    lane: Lane
    mode: Mode
    file_base: str
    signing_config: str
    override_reason: str = ""
    key_may_leave: bool = False
    key_home: KeyHome = KeyHome.DATABASE


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Who signed an authority: `parent` is one of ours, and `issued_as` its row there; or the chain
    above came from outside (PEM, upwards).
    """

    parent: Authority | None = None
    issued_as: Certificate | None = None
    chain_pem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Papers:
    """What an authority was made from: its CSR, its CSR JSON, its key."""

    csr_pem: str
    request_spec: str
    key: SealedKey


def authority_row(
    facts: CertificateFacts,
    choices: AuthorityChoices,
    standing: Standing,
    papers: Papers,
    *,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """Return the unsaved row of an authority whose certificate says `facts`."""
    return Authority(
        slug=choices.slug,
        label=choices.label,
        lane=choices.lane,
        mode=choices.mode,
        file_base=choices.file_base,
        subject=facts.subject,
        common_name=plain(facts.common_name)[:200],
        serial=facts.serial.zfill(40),
        key_text=facts.key[:40],
        spki_sha256=facts.spki_sha256,
        fingerprint_sha256=facts.sha256,
        not_before=facts.not_before,
        not_after=facts.not_after,
        certificate_pem=facts.pem,
        csr_pem=papers.csr_pem,
        request_spec=papers.request_spec,
        signing_config=choices.signing_config,
        created_at=now,
        created_by=by.name,
        key=papers.key,
        parent=standing.parent,
        issued_as=standing.issued_as,
        chain_pem=standing.chain_pem,
        override_reason=choices.override_reason,
        key_may_leave=choices.key_may_leave,
    )


def store_authority(
    authority: Authority, detail: Mapping[str, object], *, by: Actor, now: dt.datetime
) -> None:
    """Store an authority that was made here and record it, with `detail` besides, in the caller's
    transaction; its key is stored already.

    Raises IntegrityError where short name, key or certificate are another's.
    """
    authority.save(force_insert=True)
    record(
        "authority.created",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={
            "serial": authority.serial,
            "subject": authority.subject,
            "lane": authority.lane,
            "key": authority.key_text,
            "sha256": authority.fingerprint_sha256,
            "not_after": authority.not_after.isoformat(),
            **detail,
        },
        at=now,
    )


def store_signed_authority(
    facts: CertificateFacts,
    choices: AuthorityChoices,
    standing: Standing,
    papers: Papers,
    *,
    by: Actor,
    now: dt.datetime,
) -> Authority:
    """Store an authority that another signed, ours or outside. As `store_authority`."""
    authority = authority_row(facts, choices, standing, papers, by=by, now=now)
    detail: dict[str, object] = {
        "signed_by": standing.parent.slug if standing.parent else facts.issuer,
        **({"key_may_leave": True} if choices.key_may_leave else {}),
        **({"override_reason": choices.override_reason} if choices.override_reason else {}),
    }
    store_authority(authority, detail, by=by, now=now)
    return authority
