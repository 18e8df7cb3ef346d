"""Publishing revocation lists: numbers rise strictly, each list is stored before it is served."""

from __future__ import annotations

import datetime as dt
import logging

from cryptography import x509
from django.db import transaction
from django.db.models import F

from aggportal.certs.models import Authority, Certificate, RevocationList
from aggportal.certs.services.signers import signer_of
from aggportal.ledger.readiness import require_ready_to_sign
from aggportal.ledger.services import record
from aggportal.pki.crls import CrlFacts, sign_crl
from aggportal.pki.keys import PrivateKey
from aggportal.pki.revocations import Revocation
from aggportal.web.actors import Actor, system_actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

log = logging.getLogger("aggportal.crls")

# How many lists of an authority are kept: what was said is asked for a while, not for ever.
KEPT = 36
# A list is replaced when less than this share of its life is left.
LEFT_SHARE = 1 / 3


class PublishedMeanwhile(RefusedError):
    """Somebody published a list since the page was read."""

    code = "published-meanwhile"


def current_crl(authority: Authority) -> RevocationList | None:
    """Return the newest list of `authority`; None before the first."""
    return authority.crls.order_by("-number").first()


def is_due(authority: Authority, newest: RevocationList | None, *, now: dt.datetime) -> bool:
    """Tell whether a new list should be signed: there is none, a revocation could not be published
    when it was made, or a third of its life is left.

    An authority that has ended publishes no more: its last list stays.
    """
    if authority.not_after <= now:
        return False
    if newest is None or newest.number != authority.crl_number:
        return True
    if newest.next_update > now + dt.timedelta(hours=authority.crl_hours):
        return True  # the life of lists was shortened since
    return newest.next_update - now < (newest.next_update - newest.this_update) * LEFT_SHARE


def publish_crl(authority: Authority, *, by: Actor, now: dt.datetime) -> RevocationList:
    """Sign and store a new list, and record it. Raises what opening the key raises, and
    `CannotSignLists`.
    """
    with signer_of(authority) as key, transaction.atomic():
        published = _store(authority, _next_number(authority), key, now=now)
        _record(authority, published, by=by, now=now)
    return published


def publish_if_unchanged(
    authority: Authority, *, by: Actor, now: dt.datetime
) -> RevocationList | None:
    """Publish as `publish_crl`, unless somebody did since `authority` was read: None then."""
    rows = Authority.objects.filter(pk=authority.pk, crl_number=authority.crl_number)
    with signer_of(authority) as key, transaction.atomic():
        if not rows.update(crl_number=F("crl_number") + 1):
            return None
        published = _store(authority, authority.crl_number + 1, key, now=now)
        _record(authority, published, by=by, now=now)
    return published


def publish_after(
    authority: Authority, number: int, *, by: Actor, now: dt.datetime
) -> RevocationList:
    """Publish the list that follows `number`. Raises `PublishedMeanwhile` where it is not the
    newest any longer, and what signing raises.
    """
    authority.crl_number = number
    published = publish_if_unchanged(authority, by=by, now=now)
    if published is None:
        raise PublishedMeanwhile(
            _n("A newer list was published since this page was read. Look at it first.")
        )
    return published


def served_crl(authority: Authority, *, now: dt.datetime) -> RevocationList | None:
    """Return the list to send. One that is missing, stale or behind is signed first, in case no
    worker runs; where that fails the newest one must do, None before the first.
    """
    newest = current_crl(authority)
    behind = newest is None or newest.number != authority.crl_number or newest.next_update <= now
    if not behind or authority.not_after <= now:
        return newest
    try:
        publish_if_unchanged(authority, by=system_actor("revocation list"), now=now)
    except RefusedError as refused:
        log.warning("The list of %s could not be published: %s", authority.slug, refused)
    return current_crl(authority)


@transaction.atomic
def publish_change(authority: Authority, *, now: dt.datetime) -> RevocationList | None:
    """Publish, mostly within the caller's transaction, after a revocation or a release.

    The change stands even where the list cannot be signed (None): its number is used up then, by
    which `is_due` knows.
    """
    number = _next_number(authority)
    try:
        with signer_of(authority) as key, transaction.atomic():
            return _store(authority, number, key, now=now)
    except RefusedError as refused:
        log.warning("The list of %s could not be published: %s", authority.slug, refused)
        return None


def prune_lists(authority: Authority) -> None:
    """Delete the lists beyond the newest `KEPT`."""
    numbers = authority.crls.order_by("-number").values_list("number", flat=True)
    oldest = numbers[KEPT - 1 : KEPT].first()
    if oldest is not None:
        authority.crls.filter(number__lt=oldest).delete()


@transaction.atomic
def change_crl_hours(authority: Authority, hours: int, *, by: Actor, now: dt.datetime) -> None:
    """Say how long lists are valid from now on; the next one goes by it."""
    before = authority.crl_hours
    if hours == before:
        return
    authority.crl_hours = hours
    authority.save(update_fields=["crl_hours"])
    record(
        "authority.crl_changed",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={"hours": hours, "before": before},
        at=now,
    )


def _next_number(authority: Authority) -> int:
    """Take the next number. The row stays locked until the transaction ends, so that lists are
    signed one after the other, each with every revocation before it.
    """
    Authority.objects.filter(pk=authority.pk).update(crl_number=F("crl_number") + 1)
    return Authority.objects.values_list("crl_number", flat=True).get(pk=authority.pk)


def _store(
    authority: Authority, number: int, key: PrivateKey, *, now: dt.datetime
) -> RevocationList:
    require_ready_to_sign(now=now)
    revocations = _revocations(authority)
    facts = CrlFacts(
        number=number,
        this_update=now,
        next_update=now + dt.timedelta(hours=authority.crl_hours),
        revocations=revocations,
    )
    der = sign_crl(
        facts,
        issuer=x509.load_pem_x509_certificate(authority.certificate_pem.encode()),
        issuer_key=key,
    )
    return RevocationList.objects.create(
        authority=authority,
        number=number,
        this_update=facts.this_update,
        next_update=facts.next_update,
        entries=len(revocations),
        der=der,
    )


def _revocations(authority: Authority) -> tuple[Revocation, ...]:
    """Return what the next list says.

    A certificate that has ended stays until one list after its end had it (RFC 5280 section 3.3).
    """
    newest = current_crl(authority)
    rows = Certificate.objects.revoked().filter(authority=authority)
    if newest is not None:
        rows = rows.filter(not_after__gte=newest.this_update)
    columns = ("serial", "revoked_at", "revocation_reason", "invalid_since")
    told = rows.order_by("pk").values_list(*columns).iterator(chunk_size=2000)
    return tuple(
        Revocation(serial=int(serial, 16), revoked_at=at, reason=reason, invalid_since=since)
        for serial, at, reason, since in told
        if at is not None
    )


def revocation_of(certificate: Certificate) -> Revocation | None:
    """Return what is said of a certificate that is revoked or on hold; None of another."""
    if certificate.revoked_at is None:
        return None
    return Revocation(
        serial=int(certificate.serial, 16),
        revoked_at=certificate.revoked_at,
        reason=certificate.revocation_reason,
        invalid_since=certificate.invalid_since,
    )


def _record(authority: Authority, crl: RevocationList, *, by: Actor, now: dt.datetime) -> None:
    record(
        "crl.published",
        actor=by,
        subject=("authority", authority.slug, authority.label),
        detail={
            "number": crl.number,
            "entries": crl.entries,
            "next_update": crl.next_update.isoformat(),
        },
        at=now,
    )
