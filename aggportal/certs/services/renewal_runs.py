"""Many renewals in one go: a run lists them, the worker works them off, anybody may stop it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from aggportal.certs.models import (
    Authority,
    Certificate,
    ItemState,
    Kind,
    RenewalItem,
    RenewalRun,
    RunState,
    State,
)
from aggportal.certs.services.chains import require_issuing
from aggportal.certs.services.renewing import KEY_LOST, authority_in_place_of
from aggportal.certs.signing_configs import config_of
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

LONGEST_DAYS = 36500
_BATCH = 500


class RunUnderWay(RefusedError):
    """This authority's certificates are being renewed already."""

    code = "run-under-way"


class NothingToRenew(RefusedError):
    """No certificate ends so soon, or none of them can be renewed like this."""

    code = "nothing-to-renew"


class RunChanged(RefusedError):
    """Somebody else stopped, resumed or ended the run."""

    code = "run-changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunChoices:
    """What to renew: everything that ends within `within_days` days; with new keys or the same."""

    within_days: int
    new_key: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Hindrance:
    """Certificates that a run cannot renew, and why."""

    certificates: QuerySet[Certificate]
    reason: Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What a run would do. A certificate stands under its first hindrance alone."""

    possible: QuerySet[Certificate]
    hindrances: tuple[Hindrance, ...]
    under: Authority


def outlook_of(authority: Authority, choices: RunChoices, *, now: dt.datetime) -> Outlook:
    """Tell what would be renewed and what cannot be."""
    left = _ending(authority, choices, now=now)
    under, found = authority_in_place_of(authority), []
    for matches, reason in _obstacles(under, choices):
        found.append(Hindrance(certificates=left.filter(matches), reason=Sentence(text=reason)))
        left = left.exclude(matches)
    return Outlook(possible=left, hindrances=tuple(found), under=under)


def start_run(
    authority: Authority, choices: RunChoices, *, by: Actor, now: dt.datetime
) -> RenewalRun:
    """Write down what is to be renewed; the worker does it in the name of `by`.

    Raises `NothingToRenew`, `RunUnderWay` and `Retired`.
    """
    outlook = outlook_of(authority, choices, now=now)
    require_issuing(outlook.under)
    if not outlook.possible.exists():
        raise NothingToRenew(
            _n("Nothing that can be renewed like this ends within %(days)d days."),
            field="within_days",
            days=choices.within_days,
        )
    try:
        with transaction.atomic():
            return _store(authority, choices, outlook, by=by, now=now)
    except IntegrityError as clash:
        if present_run(authority) is None:
            raise
        raise RunUnderWay(
            _n("Certificates of this authority are being renewed already. Look at that run.")
        ) from clash


def present_run(authority: Authority) -> RenewalRun | None:
    """Return the run of `authority` that is not at its end."""
    return RenewalRun.objects.filter(authority=authority).exclude(state=RunState.DONE).first()


@transaction.atomic
def stop_run(run: RenewalRun, *, by: Actor, now: dt.datetime, why: str = "") -> None:
    """Stop after the certificate that is under way. Raises `RunChanged`."""
    _change(run, RunState.RUNNING, RunState.STOPPED)
    _record(run, "renewals.stopped", by=by, now=now, detail={"why": why} if why else {})


@transaction.atomic
def resume_run(run: RenewalRun, *, by: Actor, now: dt.datetime) -> None:
    """Go on where it stopped, from now on in the name of `by`. Raises `RunChanged`."""
    _change(run, RunState.STOPPED, RunState.RUNNING, started_by=by.name, starter_id=by.id)
    _record(run, "renewals.resumed", by=by, now=now)


@transaction.atomic
def abandon_run(run: RenewalRun, *, by: Actor, now: dt.datetime) -> None:
    """End a stopped run: what waits is passed over. Raises `RunChanged`."""
    _change(run, RunState.STOPPED, RunState.DONE, ended_at=now)
    run.items.filter(state=ItemState.WAITING).update(
        state=ItemState.PASSED, reason=str(Sentence(text=_n("The run was ended before.")))
    )
    _record(run, "renewals.ended", by=by, now=now, detail=counts_of(run))


@transaction.atomic
def finish_run(run: RenewalRun, *, by: Actor, now: dt.datetime) -> None:
    """End a run with nothing left to do, once. Raises `RunChanged`."""
    _change(run, RunState.RUNNING, RunState.DONE, ended_at=now)
    _record(run, "renewals.ended", by=by, now=now, detail=counts_of(run))


def counts_of(run: RenewalRun) -> dict[str, int]:
    """Return how many items are in each state."""
    found = run.items.order_by().values_list("state").annotate(Count("pk"))
    return dict.fromkeys(ItemState.values, 0) | dict(found)


def _ending(
    authority: Authority, choices: RunChoices, *, now: dt.datetime
) -> QuerySet[Certificate]:
    within = dt.timedelta(days=min(choices.within_days, LONGEST_DAYS))
    taken = Q(renewals__state__in=(State.SIGNING, State.ISSUED)) | Q(successor__isnull=False)
    rows = Certificate.objects.filter(authority=authority, kind=Kind.LEAF)
    ending = rows.expiring(within=within, now=now)
    renewed = rows.filter(taken).values("pk")
    return ending.exclude(pk__in=renewed).order_by("not_after", "pk")


def _obstacles(under: Authority, choices: RunChoices) -> tuple[tuple[Q, str], ...]:
    config = config_of(under)
    profiles = [profile.name for profile in config.profiles]
    profiles += ["default"] if config.default.usages or not profiles else []
    lost = Certificate.objects.filter(revocation_reason__in=KEY_LOST).values("spki_sha256")
    unprofiled = (
        ~Q(profile__in=profiles),
        _n("The authority no longer has the profile: renew it by itself and choose another."),
    )
    if choices.new_key:
        foreign = _n(
            "Its key is not here: a new one would be useless to whoever has it. Ask them for a new "
            "signing request, or renew with the same keys."
        )
        return (unprofiled, (Q(key=None), foreign))
    compromised = _n("Its key is compromised: renew it with a new key.")
    return (unprofiled, (Q(spki_sha256__in=lost), compromised))


def _store(
    authority: Authority, choices: RunChoices, outlook: Outlook, *, by: Actor, now: dt.datetime
) -> RenewalRun:
    run = RenewalRun.objects.create(
        authority=authority,
        within_days=choices.within_days,
        new_key=choices.new_key,
        started_at=now,
        started_by=by.name,
        starter_id=by.id,
    )
    items = [RenewalItem(run=run, certificate=certificate) for certificate in outlook.possible]
    for hindrance in outlook.hindrances:
        items += [
            RenewalItem(
                run=run,
                certificate=certificate,
                state=ItemState.REFUSED,
                reason=str(hindrance.reason),
            )
            for certificate in hindrance.certificates
        ]
    RenewalItem.objects.bulk_create(items, batch_size=_BATCH)
    detail = {"within_days": choices.within_days, "new_key": choices.new_key, "count": len(items)}
    _record(run, "renewals.started", by=by, now=now, detail=detail)
    return run


def _change(run: RenewalRun, before: RunState, after: RunState, **columns: object) -> None:
    """One UPDATE must find the run in the state in which the person saw it."""
    rows = RenewalRun.objects.filter(pk=run.pk, state=before)
    if not rows.update(state=after, **columns):
        raise RunChanged(
            _n("Meanwhile this run was stopped, resumed or ended. Look at it as it is now.")
        )
    run.refresh_from_db()


def _record(
    run: RenewalRun,
    action: str,
    *,
    by: Actor,
    now: dt.datetime,
    detail: dict[str, object] | dict[str, int] | None = None,
) -> None:
    record(
        action,
        actor=by,
        subject=("renewals", run.pk, run.authority.label),
        detail={"authority": run.authority.slug, **(detail or {})},
        at=now,
    )
