"""Registering and deleting APIServices, told in the ledger before and after."""

from __future__ import annotations

import datetime as dt

from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.clusters.services.bundles import certificates_in
from aggportal.clusters.services.changes import Change, Changed, lines_between, unified
from aggportal.clusters.services.connections import WHILE_A_PERSON_WAITS, client_for
from aggportal.clusters.services.telling import Teller, apiservice
from aggportal.kube import registering
from aggportal.kube.apiservices import APISERVICES_PATH, APIService, parse_apiservice
from aggportal.kube.errors import KubeError
from aggportal.kube.registering import Registration
from aggportal.web.actors import Actor


def try_registration(cluster: Cluster, registration: Registration) -> APIService:
    """Let the API server check it without keeping it (dry run). Raises KubeError."""
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    return registering.register(client, registration, seen=None, dry_run=True)


def register_apiservice(
    cluster: Cluster, registration: Registration, *, by: Actor, now: dt.datetime
) -> APIService:
    """Create it in the cluster. Raises KubeError; Conflict where the name exists."""
    detail: dict[str, object] = {
        "cluster": cluster.name,
        "service": f"{registration.service_namespace}/{registration.service_name}"
        f":{registration.service_port}",
        "ca_bundle": registration.ca_bundle is not None,
    }
    registering.require_valid(registration)
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    subject, on = apiservice(registration.name), cluster.scope
    tell = Teller("apiservice.registered", subject, by=by, now=now, on=on, detail=detail)
    tell.intended()
    try:
        made = registering.register(client, registration, seen=None, dry_run=False)
    except KubeError as error:
        tell.failed(error)
        raise
    tell.done(uid=made.uid)
    return made


def try_deletion(cluster: Cluster, row: WatchedAPIService) -> Change:
    """What would go, and that the API server would let it. Raises KubeError; nothing is deleted."""
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    present = client.get_json(f"{APISERVICES_PATH}/{row.name}")
    seen = parse_apiservice(present)
    registering.unregister(client, seen, dry_run=True)
    return Change(
        seen=seen.uid,
        lines=lines_between(certificates_in(present), ()),
        diff=unified(present, None, name=row.name),
    )


def delete_apiservice(
    cluster: Cluster, row: WatchedAPIService, *, uid: str, by: Actor, now: dt.datetime
) -> None:
    """Delete the APIService that a person looked at, which had `uid`. Raises KubeError."""
    seen = parse_apiservice(row.raw)
    registering.require_may_delete(seen)
    if seen.uid != uid:
        raise Changed(row.name)
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    detail = {"cluster": cluster.name, "uid": uid}
    subject, on = apiservice(row.name), cluster.scope
    tell = Teller("apiservice.deleted", subject, by=by, now=now, on=on, detail=detail)
    tell.intended()
    try:
        registering.unregister(client, seen)
    except KubeError as error:
        tell.failed(error)
        raise
    tell.done()
