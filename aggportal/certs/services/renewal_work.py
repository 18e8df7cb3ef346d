"""Working off renewal runs: a few certificates at a time, safe to stop, to repeat and to share.

Two workers at once cannot renew a certificate twice: of two intents for the same predecessor the
database takes one.
"""

from __future__ import annotations

import datetime as dt
import logging
import time

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, has_role
from aggportal.certs.models import (
    Authority,
    Certificate,
    ItemState,
    Mode,
    RenewalItem,
    RenewalRun,
    RunState,
    SigningRequest,
)
from aggportal.certs.services.issuing import IssueChoices
from aggportal.certs.services.renewal_runs import RunChanged, finish_run, stop_run
from aggportal.certs.services.renewing import (
    NotRenewable,
    RenewChoices,
    ask_renewal,
    authority_in_place_of,
    plan_renewal,
    renew_certificate,
    spec_to_begin_with,
)
from aggportal.certs.services.succession import AlreadyRenewed
from aggportal.pki.requests import parse_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.vault.errors import NoKey
from aggportal.web.actors import Actor, system_actor
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

log = logging.getLogger("aggportal.worker")
_FEW = 20


class EndsNoLater(RefusedError):
    """The successor would gain nothing."""

    code = "ends-no-later"


def work_off_runs(*, now: dt.datetime, seconds: float) -> int:
    """Renew what waits in running runs until `seconds` are over; return how many were tried."""
    begun, tried = time.monotonic(), 0
    for run in RenewalRun.objects.filter(state=RunState.RUNNING).select_related("authority__key"):
        tried += _work_off(run, now=now, until=begun + seconds)
        if time.monotonic() - begun >= seconds:
            break
    return tried


def _work_off(run: RenewalRun, *, now: dt.datetime, until: float) -> int:
    by = Actor(id=run.starter_id, name=run.started_by)
    if not _may_still(run):
        _stop(run, _n("Whoever started it may not issue certificates any more."), now=now)
        return 0
    waiting = run.items.filter(state=ItemState.WAITING)
    rows = waiting.select_related("certificate__material", "certificate__key")
    tried = 0
    for item in rows[:_FEW]:
        if not RenewalRun.objects.filter(pk=run.pk, state=RunState.RUNNING).exists():
            return tried
        tried += 1
        try:
            _renew(item, run, by=by, now=now)
        except NoKey as locked:
            # No key opens: every other item would end the same way.
            _stop(run, str(locked), now=now)
            return tried
        if time.monotonic() >= until:
            return tried
    if not waiting.exists():
        _finish(run, by=by, now=now)
    return tried


def _renew(item: RenewalItem, run: RenewalRun, *, by: Actor, now: dt.datetime) -> None:
    """Try one; whatever is refused stands in the item, and the others go on."""
    certificate, under = item.certificate, authority_in_place_of(run.authority)
    try:
        made = ask_like_before(certificate, under, same_key=not run.new_key, by=by, now=now)
    except AlreadyRenewed:
        _tell_renewed_elsewhere(item, run)
    except NoKey:
        raise
    except RefusedError as refused:
        _settle(item, ItemState.REFUSED, reason=str(refused))
    else:
        if isinstance(made, SigningRequest):
            words = _n("Request %(pk)d waits for another person's approval.")
            told = str(Sentence(text=words, params={"pk": made.pk}))
            _settle(item, ItemState.PROPOSED, reason=told)
        else:
            _settle(item, ItemState.RENEWED, successor=made)


def renew_like_before(
    certificate: Certificate, authority: Authority, *, same_key: bool, by: Actor, now: dt.datetime
) -> Certificate:
    """Renew with everything as it was. Raises as `renew_certificate`, `EndsNoLater`, and
    `NotRenewable` for what was revoked since the run was started: nobody asked for that again.
    """
    spec, choices = _like_before(certificate, authority, same_key=same_key, now=now)
    return renew_certificate(certificate, spec, choices, by=by, now=now)


def ask_like_before(
    certificate: Certificate, authority: Authority, *, same_key: bool, by: Actor, now: dt.datetime
) -> Certificate | SigningRequest:
    """Renew with everything as it was, or propose that to another person where two are needed.
    Raises as `renew_like_before`, and `AlreadyProposed`.
    """
    spec, choices = _like_before(certificate, authority, same_key=same_key, now=now)
    return ask_renewal(certificate, spec, choices, by=by, now=now)


def _like_before(
    certificate: Certificate, authority: Authority, *, same_key: bool, now: dt.datetime
) -> tuple[RequestSpec, RenewChoices]:
    if certificate.is_revoked:
        raise NotRenewable(
            _n("It was revoked meanwhile. Where it is still needed, renew it by itself.")
        )
    strict = authority.mode != Mode.COMPAT
    spec = parse_request_spec(spec_to_begin_with(certificate), strict=strict)
    issue = IssueChoices(
        profile=certificate.profile,
        file_base=certificate.file_base,
        end_with_authority=strict,
        exportable=certificate.exportable,
    )
    choices = RenewChoices(authority=authority, issue=issue, same_key=same_key)
    plan = plan_renewal(certificate, spec, choices, now=now)
    # Under another authority it gains that, however long it lives.
    moves = authority.pk != certificate.authority_id
    if not moves and plan.validity.not_after <= certificate.not_after:
        raise _ends_no_later(authority, plan.validity.not_after)
    return spec, choices


def _ends_no_later(authority: Authority, end: dt.datetime) -> EndsNoLater:
    if end >= authority.not_after:
        return EndsNoLater(
            _n(
                "The successor would end no later than the certificate itself, since the authority "
                "ends then. Renew the authority first."
            )
        )
    return EndsNoLater(
        _n(
            "The successor would end no later than the certificate itself: the profile gives it no "
            "longer life. Change the profile, or renew it by itself with another one."
        )
    )


def _tell_renewed_elsewhere(item: RenewalItem, run: RenewalRun) -> None:
    """Somebody else renewed it, or this run did before it was cut off. One that is just being
    signed waits for its end.
    """
    found = Certificate.objects.filter(predecessor=item.certificate).first()
    if found is None:
        return
    own = found.issued_by == run.started_by and found.issued_at >= run.started_at
    if own:
        _settle(item, ItemState.RENEWED, successor=found)
    else:
        reason = Sentence(text=_n("It was renewed by somebody else meanwhile."))
        _settle(item, ItemState.PASSED, successor=found, reason=str(reason))


def _settle(
    item: RenewalItem,
    state: ItemState,
    *,
    successor: Certificate | None = None,
    reason: str = "",
) -> None:
    """End an item once; that it is renewed counts before whatever another worker saw."""
    open_ones = [ItemState.WAITING]
    if state == ItemState.RENEWED:
        open_ones = [ItemState.WAITING, ItemState.PASSED]
    rows = RenewalItem.objects.filter(pk=item.pk, state__in=open_ones)
    rows.update(state=state, successor=successor, reason=reason)


def _may_still(run: RenewalRun) -> bool:
    """Tell whether whoever started it still may: programs have no row and no role."""
    if run.starter_id is None:
        return True
    starter = User.objects.filter(pk=run.starter_id).first()
    return starter is not None and has_role(starter, Role.ISSUER, on=run.authority.scope)


def _stop(run: RenewalRun, why: str, *, now: dt.datetime) -> None:
    try:
        stop_run(run, by=system_actor("worker"), now=now, why=why)
    except RunChanged:
        log.info("The renewals %s were stopped by somebody else", run.pk)


def _finish(run: RenewalRun, *, by: Actor, now: dt.datetime) -> None:
    try:
        finish_run(run, by=by, now=now)
    except RunChanged:
        log.info("The renewals %s were ended by somebody else", run.pk)
