"""Sets that are applied and removed from here: tried first, begun, stopped, gone on with.

What is begun here the worker does, step by step (`set_work`), in the name of whoever began it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from aggportal.certs.models import Certificate
from aggportal.clusters.models import Cluster, Deed, ExtensionSet, ExtensionStep, ObjectState
from aggportal.clusters.models import SetState as State
from aggportal.clusters.services.connections import WHILE_A_PERSON_WAITS, client_for
from aggportal.clusters.services.telling import Teller
from aggportal.kube import studio
from aggportal.kube.client import ApiClient
from aggportal.kube.permissions import AccessRule
from aggportal.ledger.services import record
from aggportal.snippets.services.studio import Described, issue_for
from aggportal.web.actors import Actor
from aggportal.web.told import tell
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

# All questions of one try together; a person waits for them.
TRY_SECONDS = 20.0
_ACTIONS = {Deed.APPLY: "extension.applied", Deed.REMOVE: "extension.removed"}
_RBAC_KINDS = frozenset({"ClusterRole", "ClusterRoleBinding", "RoleBinding"})


class SetUnderWay(RefusedError):
    """Something is being done with this set, or was done meanwhile."""

    code = "set-under-way"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What applying would do, object by object, and what the account lacks for it."""

    tried: tuple[studio.Tried, ...]
    missing: tuple[AccessRule, ...]
    rights: str

    @property
    def refused(self) -> bool:
        return any(each.what == studio.REFUSED for each in self.tried)

    @property
    def untried_namespace(self) -> str:
        """The namespace that is not there yet, so that what lies in it could not be tried."""
        untried = (each.place.namespace for each in self.tried if each.what == studio.UNTRIED)
        return next(untried, "")

    @property
    def foreign(self) -> tuple[studio.Tried, ...]:
        """What is there and is not part of the set."""
        return tuple(each for each in self.tried if each.foreign and each.what != studio.REFUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovalPlan:
    """What removing would do, in the order in which it is done."""

    steps: tuple[tuple[ExtensionStep, studio.Removal], ...]
    missing: tuple[AccessRule, ...]
    rights: str
    has_namespace: bool

    @property
    def refused(self) -> bool:
        return any(removal.what == studio.REFUSED for _step, removal in self.steps)


def mark_of(extension: studio.Extension) -> str:
    """By what the objects of the set are known in the cluster."""
    return f"{extension.namespace}/{extension.name}"


def extension_of(applied: ExtensionSet) -> studio.Extension:
    """Return what was described. JSON keeps the tuples as lists."""
    values: dict[str, Any] = dict(applied.described)
    for name in {"resources", "sources"} & values.keys():
        values[name] = tuple(values[name])
    return studio.Extension(**values)


def place_of(step: ExtensionStep) -> studio.Place:
    return studio.Place(
        api_version=step.api_version, kind=step.kind, name=step.name, namespace=step.namespace
    )


def plan_set(cluster: Cluster, described: Described) -> Plan:
    """Let the API server check every object without keeping it. Raises KubeError where no answer
    comes at all.
    """
    client = _patient(cluster)
    of = mark_of(described.extension)
    found = studio.manifests(described.extension, ca_pem=described.ca_pem)
    tried = tuple(studio.try_object(client, each, of=of) for each in found)
    missing = studio.missing_rights(client, (each.place for each in tried))
    denied = {each.place.kind for each in tried if each.what == studio.REFUSED}
    rights = studio.rights_yaml(missing, roles_refused=bool(denied & _RBAC_KINDS))
    return Plan(tried=tried, missing=missing, rights=rights)


def start_applying(
    cluster: Cluster,
    described: Described,
    *,
    allowed: Collection[str],
    by: Actor,
    now: dt.datetime,
) -> ExtensionSet:
    """Issue the serving certificate, unless the set has a fitting one, and have it applied.

    `allowed` are the uids of others' objects that may be taken over. Raises `SetUnderWay` and as
    `issue_for`.
    """
    extension = described.extension
    key = {"cluster": cluster, "namespace": extension.namespace, "name": extension.name}
    before = ExtensionSet.objects.filter(**key).first()
    _require_idle(before)
    certificate = _fitting(before, described, now=now) or issue_for(described, by=by, now=now)
    values = {
        "described": dataclasses.asdict(extension),
        "certificate": certificate,
        **_begun(Deed.APPLY, by=by, now=now),
    }
    with transaction.atomic():
        applied, made = ExtensionSet.objects.select_for_update().get_or_create(key | values, **key)
        if not made:
            _require_idle(applied)
            ExtensionSet.objects.filter(pk=applied.pk).update(**values)
            applied.refresh_from_db()
        _write_steps(applied, described, allowed)
        teller_of(applied, now=now).intended()
    return applied


def plan_removal(applied: ExtensionSet) -> RemovalPlan:
    """Ask the API server what it says to the removal of each object, the last one first."""
    client, of = _patient(applied.cluster), str(applied)
    steps = list(applied.steps.reverse())
    found = tuple(
        (step, studio.try_removal(client, place_of(step), of=of, uid=step.uid)) for step in steps
    )
    missing = studio.missing_rights(client, map(place_of, steps), ("get", "delete"))
    return RemovalPlan(
        steps=found,
        missing=missing,
        rights=studio.rights_yaml(missing, roles_refused=False),
        has_namespace=any(
            step.kind == "Namespace" and removal.what == studio.DELETE for step, removal in found
        ),
    )


@transaction.atomic
def start_removing(
    applied: ExtensionSet, *, with_namespace: bool, by: Actor, now: dt.datetime
) -> None:
    """Have the set removed, the APIService first. Raises `SetUnderWay`."""
    rows = ExtensionSet.objects.filter(pk=applied.pk).exclude(state=State.RUNNING)
    if not rows.update(with_namespace=with_namespace, **_begun(Deed.REMOVE, by=by, now=now)):
        raise _under_way()
    applied.refresh_from_db()
    applied.steps.update(state=ObjectState.WAITING, note=None, did="", written_at=None)
    if not with_namespace:
        stays = tell(Sentence(text=_n("The namespace was to stay.")))
        applied.steps.filter(kind="Namespace").update(state=ObjectState.LEFT, note=stays)
    teller_of(applied, now=now).intended()


@transaction.atomic
def stop_set(applied: ExtensionSet, *, by: Actor, now: dt.datetime) -> None:
    """Stop after the step that is under way. Raises `SetUnderWay`."""
    rows = ExtensionSet.objects.filter(pk=applied.pk, state=State.RUNNING)
    if not rows.update(state=State.STOPPED, trouble=None):
        raise _under_way()
    _record(applied, "extension.stopped", by=by, now=now)


@transaction.atomic
def resume_set(applied: ExtensionSet, *, by: Actor, now: dt.datetime) -> None:
    """Go on where it stood, from `now` on in the name of `by`. Raises `SetUnderWay`.

    The new `started_at` tells this run from the one before, which may not have ended yet.
    """
    rows = ExtensionSet.objects.filter(pk=applied.pk, state=State.STOPPED)
    who = {"started_at": now, "started_by": by.name, "starter_id": by.id}
    if not rows.update(state=State.RUNNING, trouble=None, **who):
        raise _under_way()
    again = applied.steps.filter(state__in=[ObjectState.FAILED, ObjectState.WRITTEN])
    again.update(state=ObjectState.WAITING, note=None, written_at=None)
    _record(applied, "extension.resumed", by=by, now=now)


def teller_of(applied: ExtensionSet, *, now: dt.datetime) -> Teller:
    """Return who writes the present deed into the ledger."""
    extension = extension_of(applied)
    detail: Mapping[str, object] = {
        "cluster": applied.cluster.name,
        "namespace": applied.namespace,
        "apiservice": extension.apiservice,
        "image": extension.image,
        "serial": applied.certificate.serial,
    }
    by = Actor(id=applied.starter_id, name=applied.started_by)
    action, on = _ACTIONS[Deed(applied.deed)], applied.cluster.scope
    return Teller(action, _subject(applied), by=by, now=now, on=on, detail=detail)


def _patient(cluster: Cluster) -> ApiClient:
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    client.ends_at = time.monotonic() + TRY_SECONDS
    return client


def _begun(deed: Deed, *, by: Actor, now: dt.datetime) -> dict[str, object]:
    return {
        "deed": deed,
        "state": State.RUNNING,
        "trouble": None,
        "started_at": now,
        "started_by": by.name,
        "starter_id": by.id,
        "ended_at": None,
    }


def _require_idle(applied: ExtensionSet | None) -> None:
    if applied is not None and applied.is_running:
        raise _under_way()


def _under_way() -> SetUnderWay:
    return SetUnderWay(_n("The set is being worked on, or was meanwhile. Look at it as it is now."))


def _fitting(
    before: ExtensionSet | None, described: Described, *, now: dt.datetime
) -> Certificate | None:
    """The certificate that the set has, as long as half of its life is left."""
    if before is None or extension_of(before).hosts != described.extension.hosts:
        return None
    found = before.certificate
    same = (found.authority_id, found.profile) == (described.authority.pk, described.profile)
    half = found.not_before + (found.not_after - found.not_before) / 2
    return found if same and now < half and not found.is_revoked else None


def _write_steps(applied: ExtensionSet, described: Described, allowed: Collection[str]) -> None:
    """Make the steps those of the description; what it no longer has stays, and is told."""
    allowing = {uid.partition(" ")[0]: uid.partition(" ")[2] for uid in allowed}
    left = tell(
        Sentence(text=_n("It is no longer part of the set, and goes when that is removed."))
    )
    applied.steps.update(state=ObjectState.LEFT, note=left, did="", written_at=None)
    found = studio.manifests(described.extension, ca_pem=described.ca_pem)
    for position, manifest in enumerate(found):
        place = studio.place_of(manifest)
        ExtensionStep.objects.update_or_create(
            of=applied,
            kind=place.kind,
            namespace=place.namespace,
            name=place.name,
            defaults={
                "position": position,
                "key": manifest.key,
                "api_version": place.api_version,
                "state": ObjectState.WAITING,
                "note": None,
                "allowed_uid": allowing.get(manifest.key, ""),
            },
        )


def _subject(applied: ExtensionSet) -> tuple[str, str, str]:
    return "extension", str(applied.pk), str(applied)


def _record(applied: ExtensionSet, action: str, *, by: Actor, now: dt.datetime) -> None:
    detail = {"cluster": applied.cluster.name, "deed": applied.deed}
    record(action, actor=by, subject=_subject(applied), detail=detail, at=now)
