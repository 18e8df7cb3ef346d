"""Periodic work on certificates: lists before they go stale, responders before they end."""

from __future__ import annotations

import datetime as dt
import logging
import time

from aggportal.certs.models import Authority, RevocationList
from aggportal.certs.services.abandoned import end_abandoned_requests
from aggportal.certs.services.approving import expire_held_requests
from aggportal.certs.services.crls import is_due, prune_lists, publish_if_unchanged
from aggportal.certs.services.import_drafts import drop_expired_drafts
from aggportal.certs.services.ocsp import drop_old_answers
from aggportal.certs.services.renewal_work import work_off_runs
from aggportal.certs.services.responders import authorities_with_responder, responder_of
from aggportal.pki.crls import CannotSignLists
from aggportal.web.actors import system_actor
from aggportal.web.periodic import periodic
from aggportal.words import RefusedError

log = logging.getLogger("aggportal.worker")

# Other work waits meanwhile; what is left comes round within a minute.
_MOST_SECONDS = 1.5


@periodic("certs.publish_lists", every=dt.timedelta(minutes=1))
def publish_lists(now: dt.datetime) -> None:
    """Publish every list that is due."""
    begun, by = time.monotonic(), system_actor("worker")
    for authority in Authority.objects.select_related("key").filter(not_after__gt=now):
        newest = RevocationList.objects.filter(authority=authority).defer("der").first()
        if not is_due(authority, newest, now=now):
            continue
        try:
            publish_if_unchanged(authority, by=by, now=now)
        except CannotSignLists as refused:
            log.debug("%s: %s", authority.slug, refused)
        except RefusedError as refused:
            log.warning("The list of %s could not be published: %s", authority.slug, refused)
        if time.monotonic() - begun > _MOST_SECONDS:
            return


@periodic("certs.renew_responders", every=dt.timedelta(minutes=10))
def renew_responders(now: dt.datetime) -> None:
    """Renew the responders of authorities that somebody asked about."""
    for authority in authorities_with_responder():
        if authority.not_after <= now:
            continue
        try:
            responder_of(authority, now=now)
        except RefusedError as refused:
            log.warning("The responder of %s was not renewed: %s", authority.slug, refused)


@periodic("certs.drop_old_status", every=dt.timedelta(hours=1))
def drop_old_status(now: dt.datetime) -> None:
    """Delete answers that count no longer, and all but the newest lists."""
    drop_old_answers(now=now)
    for authority in Authority.objects.only("pk"):
        prune_lists(authority)


@periodic("certs.renew_many", every=dt.timedelta(seconds=2))
def renew_many(now: dt.datetime) -> None:
    """Go on with the renewals that people started."""
    work_off_runs(now=now, seconds=_MOST_SECONDS)


@periodic("certs.end_abandoned_requests", every=dt.timedelta(seconds=10))
def end_abandoned(now: dt.datetime) -> None:
    """End requests whose signing was cut off."""
    end_abandoned_requests(now=now)


@periodic("certs.expire_proposals", every=dt.timedelta(minutes=1))
def expire_proposals(now: dt.datetime) -> None:
    """End what nobody approved in time."""
    expire_held_requests(now=now)


@periodic("certs.drop_import_drafts", every=dt.timedelta(minutes=1))
def drop_import_drafts(now: dt.datetime) -> None:
    """Forget what was brought and not imported."""
    drop_expired_drafts(now=now)
