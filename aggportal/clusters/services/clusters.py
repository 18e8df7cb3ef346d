"""Connecting, renaming and forgetting clusters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify

from aggportal.accounts.granting import take_grants_on
from aggportal.certs.models import Authority
from aggportal.clusters.models import Cluster, ClusterState, Examination, SealedConnection
from aggportal.clusters.services.connections import auth_kind_of, seal_connection
from aggportal.kube.connections import Connection
from aggportal.ledger.services import record
from aggportal.web.actors import Actor
from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n

# Words of addresses that a cluster's slug must not hide.
_RESERVED = frozenset({"new"})
# What the doctor looks with, beyond what any reader of the cluster may see.
_EYES = ("shakes_hands", "forwards_ports", "reads_secrets")


class NameTaken(RefusedError):
    """Another cluster has this name."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            _n("Another cluster is named %(name)s. Choose a name that tells them apart."),
            field="name",
            name=name,
        )


class ClusterGone(RefusedError):
    """The cluster was forgotten since the page was shown."""

    code = "cluster_gone"

    def __init__(self, name: str) -> None:
        super().__init__(
            _n("%(name)s was forgotten by someone else meanwhile; nothing was changed."), name=name
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustChoices:
    """What an administrator says of a cluster's trust. `front_proxy` None leaves it to be seen;
    `shakes_hands` lets the doctor connect to the backends of APIServices, `forwards_ports` (one of
    the two) reach them through kube-apiserver's pods/portforward, `reads_secrets` lets him
    read the certificates in the Secrets that their pods mount.
    """

    front_proxy: Authority | None = None
    serving: Collection[Authority] = ()
    shakes_hands: bool = False
    forwards_ports: bool = False
    reads_secrets: bool = False


@transaction.atomic
def connect_cluster(name: str, connection: Connection, *, by: Actor, now: dt.datetime) -> Cluster:
    """Store a cluster with its credentials sealed; the worker follows it within two seconds."""
    _require_free(name)
    sealed = seal_connection(connection)
    sealed.save()
    try:
        with transaction.atomic():
            cluster = Cluster.objects.create(
                name=name,
                slug=_free_slug(name),
                server=connection.server,
                auth_kind=auth_kind_of(connection),
                sealed=sealed,
                created_at=now,
                created_by=by.name,
            )
    except IntegrityError as exc:  # another request was first
        raise NameTaken(name) from exc
    ClusterState.objects.create(cluster=cluster)
    _record("cluster.connected", cluster, by=by, now=now, detail=_reach(cluster))
    return cluster


@transaction.atomic
def rename_cluster(cluster: Cluster, name: str, *, by: Actor, now: dt.datetime) -> None:
    """Give a cluster another name; its address stays."""
    cluster = _held(cluster)
    before = cluster.name
    if name == before:
        return
    _require_free(name, but=cluster)
    cluster.name = name
    try:
        with transaction.atomic():
            cluster.save(update_fields=["name"])
    except IntegrityError as exc:
        raise NameTaken(name) from exc
    _record("cluster.changed", cluster, by=by, now=now, detail={"before": before})


@transaction.atomic
def choose_trust(
    cluster: Cluster,
    choices: TrustChoices,
    *,
    by: Actor,
    now: dt.datetime,
) -> None:
    """Say which authorities of ours the cluster's trust is made of, and how it is looked at."""
    cluster = _held(cluster)
    front_proxy, serving = choices.front_proxy, choices.serving
    before = set(cluster.serving_authorities.values_list("pk", flat=True))
    pk = front_proxy.pk if front_proxy else None
    present = (cluster.front_proxy_id, before, *(getattr(cluster, name) for name in _EYES))
    wanted = (pk, {each.pk for each in serving}, *(getattr(choices, name) for name in _EYES))
    if present == wanted:
        return
    cluster.front_proxy = front_proxy
    for name in _EYES:
        setattr(cluster, name, getattr(choices, name))
    cluster.save(update_fields=["front_proxy", *_EYES])
    cluster.serving_authorities.set(serving)
    # What was found was found with other eyes: the doctor looks again.
    Examination.objects.filter(cluster=cluster).update(
        asked_at=now, asked_by=by.name, version=F("version") + 1
    )
    detail = {
        "front_proxy": front_proxy.slug if front_proxy else "",
        "serving": ", ".join(sorted(each.slug for each in serving)),
        **{name: "yes" if getattr(choices, name) else "no" for name in _EYES},
    }
    _record("cluster.trust_chosen", cluster, by=by, now=now, detail=detail)


@transaction.atomic
def replace_credentials(
    cluster: Cluster, connection: Connection, *, by: Actor, now: dt.datetime
) -> None:
    """Reach a cluster in another way from now on; the old credentials are forgotten."""
    cluster = _held(cluster)
    old = cluster.sealed_id
    sealed = seal_connection(connection)
    sealed.save()
    cluster.sealed, cluster.server = sealed, connection.server
    cluster.auth_kind = auth_kind_of(connection)
    cluster.save(update_fields=["sealed", "server", "auth_kind"])
    SealedConnection.objects.filter(pk=old).delete()
    _record("cluster.changed", cluster, by=by, now=now, detail=_reach(cluster))


@transaction.atomic
def delete_cluster(cluster: Cluster, *, by: Actor, now: dt.datetime) -> None:
    """Forget a cluster, its credentials and its history. Nothing changes in the cluster itself."""
    cluster = _held(cluster)
    sealed = cluster.sealed_id
    _record("cluster.deleted", cluster, by=by, now=now, detail=_reach(cluster))
    take_grants_on(cluster.scope, by=by, now=now)
    cluster.delete()
    SealedConnection.objects.filter(pk=sealed).delete()


def _held(cluster: Cluster) -> Cluster:
    """The cluster as it is now, held until the transaction ends. Raises ClusterGone.

    Whoever is writing what was seen in it finishes first, and nobody begins.
    """
    ClusterState.objects.select_for_update().filter(cluster=cluster).first()
    found = Cluster.objects.filter(pk=cluster.pk).first()
    if found is None:
        raise ClusterGone(cluster.name)
    return found


def _require_free(name: str, *, but: Cluster | None = None) -> None:
    others = Cluster.objects.exclude(pk=but.pk) if but else Cluster.objects.all()
    if others.filter(name__iexact=name).exists():
        raise NameTaken(name)


def _free_slug(name: str) -> str:
    base = slugify(name)[:56].strip("-") or "cluster"
    taken = set(Cluster.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = (base, *(f"{base}-{count}" for count in range(2, len(taken) + 3)))
    return next(slug for slug in candidates if slug not in taken | _RESERVED)


def _reach(cluster: Cluster) -> dict[str, str]:
    return {"server": cluster.server, "auth_kind": str(cluster.auth_kind)}


def _record(
    action: str, cluster: Cluster, *, by: Actor, now: dt.datetime, detail: dict[str, str]
) -> None:
    subject = ("cluster", cluster.pk, cluster.name)
    record(action, actor=by, subject=subject, detail=detail, at=now)
