"""Revoking, holding and releasing certificates: each change happens exactly once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction

from aggportal.accounts.roles import require_actor_role
from aggportal.certs.models import Authority, Certificate, Kind, OcspAnswer, Reason
from aggportal.certs.scoping import role_to_revoke, scope_of
from aggportal.certs.services.crls import publish_change
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

# As many as a person can look through, and as one transaction carries without waiting.
MOST_AT_ONCE = 500


class CannotRevoke(RefusedError):
    """This certificate cannot be revoked here, or not with this reason."""

    code = "cannot-revoke"


class AlreadyRevoked(CannotRevoke):
    """Somebody revoked it before; a revocation is final."""

    code = "already-revoked"


class NotOnHold(RefusedError):
    """Only what is on hold can be released."""

    code = "not-on-hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationChoices:
    """Why, and since when the key is to be doubted (RFC 5280 section 5.3.2), where known."""

    reason: Reason
    invalid_since: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoked:
    """What was changed. `unpublished` are the authorities whose list could not be signed: the
    worker tries again.
    """

    certificates: tuple[Certificate, ...]
    unpublished: tuple[Authority, ...] = ()


def require_revocable(certificate: Certificate, *, reason: Reason | None, now: dt.datetime) -> None:
    """Refuse a certificate that none of our authorities signed, that has ended, or that is revoked
    already. What is on hold may still be revoked for good. `reason` None asks for any.
    """
    name = str(certificate)
    if certificate.authority_id is None:
        raise CannotRevoke(
            _n(
                "None of the authorities here signed %(name)s, so none here can revoke it. Ask "
                "whoever issued it."
            ),
            name=name,
        )
    if certificate.not_after < now:
        raise CannotRevoke(
            _n("%(name)s has expired: nobody accepts it any longer, revoked or not."), name=name
        )
    if certificate.is_held and reason == Reason.HOLD:
        raise AlreadyRevoked(_n("%(name)s is on hold already."), name=name)
    if certificate.is_revoked and not certificate.is_held:
        raise AlreadyRevoked(_n("%(name)s is revoked already; a revocation is final."), name=name)


@transaction.atomic
def revoke_certificates(
    pks: Collection[int], choices: RevocationChoices, *, by: Actor, now: dt.datetime
) -> Revoked:
    """Revoke all of these or none. The lists are signed and the ledger is written in the same
    transaction. Raises `CannotRevoke`, `AlreadyRevoked`.
    """
    require_few(len(pks))
    # Locked in one order, so that two people cannot wait for each other; not the key, to which
    # a successor that is being stored holds on.
    rows = list(
        Certificate.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    )
    if len(rows) != len(set(pks)):
        raise CannotRevoke(_n("Not all of these certificates are here."))
    for row in rows:
        require_actor_role(by, role_to_revoke(row), on=scope_of(row.authority))
        require_revocable(row, reason=choices.reason, now=now)
    _mark(rows, choices, by=by, now=now)
    unpublished = _publish(rows, now=now)
    for row in rows:
        _record(row, "certificate.revoked", by=by, now=now)
    return Revoked(certificates=tuple(rows), unpublished=unpublished)


@transaction.atomic
def release_certificate(certificate: Certificate, *, by: Actor, now: dt.datetime) -> Revoked:
    """Take a certificate off hold; it counts as if it had never been revoked. Raises
    `NotOnHold`.
    """
    require_actor_role(by, role_to_revoke(certificate), on=scope_of(certificate.authority))
    held = Certificate.objects.filter(pk=certificate.pk, revocation_reason=Reason.HOLD)
    emptied = {"revoked_at": None, "revoked_by": "", "revocation_reason": "", "invalid_since": None}
    if not held.update(**emptied):
        raise NotOnHold(_n("%(name)s is not on hold."), name=str(certificate))
    certificate.refresh_from_db()
    unpublished = _publish([certificate], now=now)
    _record(certificate, "certificate.released", by=by, now=now)
    return Revoked(certificates=(certificate,), unpublished=unpublished)


def require_few(count: int) -> None:
    """Refuse none, and more than `MOST_AT_ONCE`. Raises `CannotRevoke`."""
    if not count:
        raise CannotRevoke(_n("No certificate was chosen."))
    if count > MOST_AT_ONCE:
        raise CannotRevoke(
            _n("These are %(count)d certificates; at most %(most)d are revoked at once."),
            count=count,
            most=MOST_AT_ONCE,
        )


def _mark(
    rows: Sequence[Certificate], choices: RevocationChoices, *, by: Actor, now: dt.datetime
) -> None:
    """Write the revocation. The database settles who is first: each UPDATE must find all rows as
    they were read. What was on hold keeps the moment since when nobody was to trust it.
    """
    said = {
        "revocation_reason": choices.reason,
        "revoked_by": by.name,
        "invalid_since": choices.invalid_since,
    }
    held = [row.pk for row in rows if row.is_held]
    fresh = [row.pk for row in rows if not row.is_held]
    changed = Certificate.objects.filter(pk__in=fresh, revoked_at=None).update(
        revoked_at=now, **said
    )
    changed += Certificate.objects.filter(pk__in=held, revocation_reason=Reason.HOLD).update(**said)
    if changed != len(rows):
        raise AlreadyRevoked(_n("Somebody else revoked one of these at the same moment."))
    for row in rows:
        row.refresh_from_db()


def _publish(rows: Sequence[Certificate], *, now: dt.datetime) -> tuple[Authority, ...]:
    """Forget kept answers and publish lists, one for each authority. Return those that could not.

    Answers that a responder signed die with its certificate.
    """
    unpublished = []
    authorities = Authority.objects.select_related("key")
    for authority in authorities.filter(pk__in={row.authority_id for row in rows}).order_by("pk"):
        own = [row for row in rows if row.authority_id == authority.pk]
        answers = OcspAnswer.objects.filter(authority=authority)
        if all(row.kind != Kind.RESPONDER for row in own):
            answers = answers.filter(serial__in=[row.serial for row in own])
        answers.delete()
        if publish_change(authority, now=now) is None:
            unpublished.append(authority)
    return tuple(unpublished)


def _record(certificate: Certificate, action: str, *, by: Actor, now: dt.datetime) -> None:
    since = certificate.invalid_since
    record(
        action,
        actor=by,
        subject=("certificate", certificate.pk, str(certificate)),
        detail={
            "serial": certificate.serial,
            "sha256": certificate.fingerprint_sha256,
            "authority": certificate.authority.slug if certificate.authority else "",
            "how": certificate.revocation_reason,
            "invalid_since": since.isoformat() if since else "",
        },
        at=now,
    )
