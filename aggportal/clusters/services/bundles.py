"""Repairing the caBundle of an APIService: tried on the server, then patched, told in the ledger.

A merge patch, since kube-apiserver 1.20 panics on server-side apply of this type. Whoever replaces
a CA sets both in between: any certificate in caBundle is trusted.
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from aggportal.clusters.models import Cluster, WatchedAPIService
from aggportal.clusters.services.changes import (
    Change,
    Changed,
    Json,
    lines_between,
    mark_of,
    unified,
)
from aggportal.clusters.services.connections import WHILE_A_PERSON_WAITS, client_for
from aggportal.clusters.services.telling import Teller, apiservice
from aggportal.kube.apiservices import APISERVICES_PATH, APIService, parse_apiservice
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import Conflict, KubeError
from aggportal.kube.registering import require_may_repair
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates
from aggportal.web.actors import Actor

FIELD = "ca_bundle"
# Its status changes by itself, and with it the resourceVersion that the patch asks for.
_TRIES = 5


def try_bundle(cluster: Cluster, row: WatchedAPIService, pem: bytes) -> Change:
    """Let the API server check `pem` as caBundle of `row` without keeping it.

    Raises PkiError where `pem` cannot be read, TakeoverRefused for what Kubernetes manages, and
    what the cluster says (KubeError).
    """
    wanted = read_certificates(pem, field=FIELD)
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    present = _present(client, row.name)
    after = _patch(client, present, pem, dry_run=True)
    return Change(
        seen=mark_of(present),
        lines=lines_between(certificates_in(present), wanted),
        diff=unified(present, after, name=row.name),
    )


def patch_bundle(
    cluster: Cluster,
    row: WatchedAPIService,
    pem: bytes,
    *,
    seen: str,
    by: Actor,
    now: dt.datetime,
) -> APIService:
    """Make `pem` the caBundle of `row`; `seen` is the `Change.seen` that was decided on.

    TLS is verified from then on, whatever was said before. Raises what `try_bundle` raises, and
    Changed where somebody changed the object since.
    """
    wanted = read_certificates(pem, field=FIELD)
    client = client_for(cluster, timeouts=WHILE_A_PERSON_WAITS)
    present = _present(client, row.name)
    if mark_of(present) != seen:
        raise Changed(row.name)
    detail: dict[str, object] = {
        "cluster": cluster.name,
        "uid": parse_apiservice(present).uid,
        "before": [each.sha256 for each in certificates_in(present)],
        "after": [each.sha256 for each in wanted],
    }
    action = "apiservice.bundle_patched"
    on = cluster.scope
    tell = Teller(action, apiservice(row.name), by=by, now=now, on=on, detail=detail)
    tell.intended()
    try:
        made = _patch_as_seen(client, present, pem)
    except KubeError as error:
        tell.failed(error)
        raise
    tell.done(resource_version=made.resource_version)
    return made


def certificates_in(document: Json) -> tuple[CertificateFacts, ...]:
    """What stands in caBundle; nothing where it cannot be read."""
    bundle = parse_apiservice(document).ca_bundle
    if bundle is None:
        return ()
    try:
        return read_certificates(bundle)
    except PkiError:
        return ()


def _present(client: ApiClient, name: str) -> Json:
    present = client.get_json(f"{APISERVICES_PATH}/{name}")
    require_may_repair(parse_apiservice(present))
    return present


def _patch_as_seen(client: ApiClient, present: Json, pem: bytes) -> APIService:
    """Patch, once more where nothing but the status has changed in between."""
    seen = mark_of(present)
    for _ in range(_TRIES - 1):
        try:
            return parse_apiservice(_patch(client, present, pem, dry_run=False))
        except Conflict:
            name = parse_apiservice(present).name
            present = _present(client, name)
            if mark_of(present) != seen:
                raise Changed(name) from None
    return parse_apiservice(_patch(client, present, pem, dry_run=False))


def _patch(client: ApiClient, present: Json, pem: bytes, *, dry_run: bool) -> Json:
    found = parse_apiservice(present)
    spec: dict[str, Any] = {"caBundle": base64.b64encode(pem).decode("ascii")}
    if found.insecure_skip_tls_verify:
        # Kubernetes takes only one of the two; null removes it (RFC 7386).
        spec["insecureSkipTLSVerify"] = None
    body = {
        "metadata": {"uid": found.uid, "resourceVersion": found.resource_version},
        "spec": spec,
    }
    return client.patch(f"{APISERVICES_PATH}/{found.name}", body, dry_run=dry_run)
