"""Working on sets: one object after the other, each ready before the next, safe to cut off.

Whatever was done before the portal was killed is found done when it goes on; two workers at once do
the same deeds twice, which changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, has_role
from aggportal.certs.services.files import require_chain
from aggportal.clusters.models import Deed, ExtensionSet, ExtensionStep, ObjectState
from aggportal.clusters.models import SetState as State
from aggportal.clusters.services.connections import client_for
from aggportal.kube import studio
from aggportal.kube.client import ApiClient, Timeouts
from aggportal.kube.errors import PermissionDenied, ServerFailed, TransportError
from aggportal.snippets.services.sets import extension_of, place_of, teller_of
from aggportal.snippets.services.studio import served_pem, serving_pair
from aggportal.web.actors import Actor
from aggportal.web.periodic import FAULTS
from aggportal.web.told import tell
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

log = logging.getLogger("aggportal.worker")

READY_WITHIN = dt.timedelta(minutes=5)
TIMEOUTS = Timeouts(connect=3.0, total=10.0, listing=10.0)
AT_ONCE = 2
_OPEN = (ObjectState.WAITING, ObjectState.WRITTEN)

Clock = Callable[[], dt.datetime]


class TookTooLong(RefusedError):
    """An object was written and did not become ready, or gone, in time."""

    code = "took-too-long"


class MayNotAnyMore(RefusedError):
    """Whoever began it lost the role."""

    code = "may-not-any-more"


class PortalFault(RefusedError):
    """The portal itself made a mistake; what it was stands in its log."""

    code = "portal-fault"


class _Overtaken(Exception):
    """The set was stopped, gone on with or begun anew meanwhile: it is another run's."""


def work_on(pk: int, *, clock: Clock = timezone.now) -> None:
    """Go on with a set until it is done, stops, or has to wait for the cluster.

    Ends without a word where the run that it found is not the present one any more.
    """
    rows = ExtensionSet.objects.select_related(
        "cluster__sealed", "certificate__material", "certificate__key", "certificate__authority"
    )
    began = applied = rows.filter(pk=pk, state=State.RUNNING).first()
    if began is None:
        return
    try:
        while applied is not None and _one(applied, clock):
            applied = _run_of(began, rows).first()
    except _Overtaken:
        return
    except FAULTS:
        log.exception("the extension set %s: a fault of the portal", pk)
        _break(began, now=clock())


def _one(applied: ExtensionSet, clock: Clock) -> bool:
    """Do the next step. Returns whether another may follow."""
    step = _next(applied)
    if step is None:
        _finish(applied, now=clock())
        return False
    try:
        _require_role(applied)
        client = client_for(applied.cluster, timeouts=TIMEOUTS)
        return _DEEDS[Deed(applied.deed)](client, applied, step, clock)
    except RefusedError as refused:
        _fail(applied, step, refused, now=clock())
        return False


def _run_of(
    began: ExtensionSet, rows: QuerySet[ExtensionSet] | None = None
) -> QuerySet[ExtensionSet]:
    """The row of the set as long as it is under way in the run that `began` was read in."""
    found = ExtensionSet.objects.all() if rows is None else rows
    return found.filter(
        pk=began.pk, state=State.RUNNING, deed=began.deed, started_at=began.started_at
    )


def _next(applied: ExtensionSet) -> ExtensionStep | None:
    steps = applied.steps.filter(state__in=_OPEN)
    return (steps.reverse() if applied.deed == Deed.REMOVE else steps).first()


def _apply(client: ApiClient, applied: ExtensionSet, step: ExtensionStep, clock: Clock) -> bool:
    """Write the object, then see whether it is ready. Returns whether it is."""
    if step.state == ObjectState.WAITING:
        manifest = _manifest(client, applied, step, now=clock())
        if manifest is None:
            done = studio.Applied(what=studio.UNCHANGED, uid=step.uid)
        else:
            done = studio.apply_object(
                client, manifest, of=str(applied), allowed_uid=step.allowed_uid
            )
        _settle(step, ObjectState.WRITTEN, did=done.what, uid=done.uid, written_at=clock())
    try:
        found = studio.readiness_of(client, place_of(step))
    except PermissionDenied:
        note = _n("It was not waited for: this account may not look whether it is ready.")
        _settle(step, ObjectState.DONE, note=tell(Sentence(text=note)))
        return True
    except (TransportError, ServerFailed) as away:
        found = studio.Readiness(ready=False, note=away.sentence)
    if found.ready:
        _settle(step, ObjectState.DONE, note=tell(found.note))
        return True
    return _wait(step, found.note, now=clock())


def _remove(client: ApiClient, applied: ExtensionSet, step: ExtensionStep, clock: Clock) -> bool:
    """Delete the object, then see whether it is gone. Returns whether the next one may follow."""
    place, of = place_of(step), str(applied)
    removal = studio.remove_object(client, place, of=of, uid=step.uid)
    if removal.what == studio.DELETE:
        if step.written_at is None:
            _settle(step, ObjectState.WRITTEN, did=studio.DELETE, written_at=clock())
        removal = studio.remove_object(client, place, of=of, uid=step.uid)
    if removal.what == studio.KEPT:
        _settle(step, ObjectState.LEFT, note=tell(removal.why))
        return True
    if removal.what == studio.GONE:
        _settle(step, ObjectState.DONE, uid="", note=None)
        return True
    return _wait(step, Sentence(text=_n("It is being deleted and is still there.")), now=clock())


_DEEDS: dict[Deed, Callable[[ApiClient, ExtensionSet, ExtensionStep, Clock], bool]] = {
    Deed.APPLY: _apply,
    Deed.REMOVE: _remove,
}


def _wait(step: ExtensionStep, note: Sentence | None, *, now: dt.datetime) -> bool:
    if step.written_at is not None and now - step.written_at > READY_WITHIN:
        raise TookTooLong(
            _n("It was waited for %(minutes)s minutes. %(note)s"),
            minutes=round(READY_WITHIN.total_seconds() / 60),
            note=note or "",
        )
    if step.note != tell(note):
        _settle(step, ObjectState.WRITTEN, note=tell(note))
    return False


def _manifest(
    client: ApiClient, applied: ExtensionSet, step: ExtensionStep, *, now: dt.datetime
) -> studio.Manifest | None:
    """Return what is to be written; None for a Secret that holds the certificate already.

    The key is opened, and recorded as taken, for a Secret alone that is about to be written.
    """
    extension, issuer = extension_of(applied), require_chain(applied.certificate)[0]
    found = studio.manifests(extension, ca_pem=issuer.pem)
    if step.kind == "Secret":
        present = studio.present_at(client, place_of(step))
        if present is not None:
            studio.require_ours(present, of=str(applied), allowed_uid=step.allowed_uid)
            if _served(present.get("data")) == served_pem(applied.certificate):
                return None
        by = Actor(id=applied.starter_id, name=applied.started_by)
        pair = serving_pair(applied.certificate, by=by, now=now)
        found = studio.manifests(extension, ca_pem=issuer.pem, pair=pair)
    return next(each for each in found if studio.place_of(each) == place_of(step))


def _served(data: object) -> str:
    """The certificate in a Secret that has a key beside it."""
    if not isinstance(data, dict) or not data.get("tls.key"):
        return ""
    try:
        return base64.b64decode(str(data.get("tls.crt") or "")).decode("ascii", "replace")
    except binascii.Error:
        return ""


@transaction.atomic
def _settle(step: ExtensionStep, state: ObjectState, **columns: object) -> None:
    # The update holds the row, so that no other run begins between the two.
    if not _run_of(step.of).update(state=State.RUNNING):
        raise _Overtaken
    for name, value in columns.items():
        setattr(step, name, value)
    step.state = state
    ExtensionStep.objects.filter(pk=step.pk).update(state=state, **columns)


@transaction.atomic
def _fail(
    applied: ExtensionSet, step: ExtensionStep | None, refused: RefusedError, *, now: dt.datetime
) -> None:
    """Stop with words; one click goes on from here."""
    if step is not None:
        _settle(step, ObjectState.FAILED, note=tell(refused.sentence))
    if _run_of(applied).update(state=State.STOPPED, trouble=tell(refused.sentence)):
        teller_of(applied, now=now).failed(refused)


def _break(began: ExtensionSet, *, now: dt.datetime) -> None:
    """Stop after a fault; without a ledger entry where writing that is what fails."""
    fault = PortalFault(_n("It stopped at a fault of the portal; its log has it."))
    try:
        _fail(began, _next(began), fault, now=now)
    except _Overtaken:
        return
    except FAULTS:
        log.exception("the extension set %s: its fault is not recorded", began.pk)
        _run_of(began).update(state=State.STOPPED, trouble=tell(fault.sentence))


@transaction.atomic
def _finish(applied: ExtensionSet, *, now: dt.datetime) -> None:
    if not _run_of(applied).update(state=State.DONE, trouble=None, ended_at=now):
        return
    did = applied.steps.order_by().values_list("did").annotate(Count("pk"))
    teller_of(applied, now=now).done(steps={name or "left": count for name, count in did})


def _require_role(applied: ExtensionSet) -> None:
    """Programs have no row and no role; a person must still be an operator of the cluster."""
    if applied.starter_id is None:
        return
    starter = User.objects.filter(pk=applied.starter_id).first()
    if starter is None or not has_role(starter, Role.OPERATOR, on=applied.cluster.scope):
        raise MayNotAnyMore(_n("Whoever began it is no operator of this cluster any more."))


@dataclass(kw_only=True)
class Crew:
    """Works on the sets that are under way, a few at once, each in a thread of its own."""

    clock: Clock = timezone.now
    _busy: dict[int, threading.Thread] = field(default_factory=dict, init=False)

    def go(self) -> None:
        """Go on with what is under way and return at once."""
        self._busy = {pk: each for pk, each in self._busy.items() if each.is_alive()}
        running = ExtensionSet.objects.filter(state=State.RUNNING).order_by("started_at")
        for pk in running.values_list("pk", flat=True):
            if len(self._busy) >= AT_ONCE:
                return
            if pk not in self._busy:
                name = f"aggportal-extension-{pk}"
                thread = threading.Thread(target=self._work, args=[pk], daemon=True, name=name)
                self._busy[pk] = thread
                thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until nothing is under way."""
        for thread in tuple(self._busy.values()):
            thread.join(seconds)

    def _work(self, pk: int) -> None:
        try:
            work_on(pk, clock=self.clock)
        except DatabaseError as exc:
            log.warning("the extension set %s is not gone on with: %s", pk, exc)
        finally:
            connection.close()
