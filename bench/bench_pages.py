"""Page times with much in the database: 100,000 certificates, a cluster with 400 APIServices.

Run: python -m bench.bench_pages [certificates, default 100000]
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable

from bench.harness import Browser, Portal, load, portal

FILL = """
import datetime as dt, json, secrets
from django.utils import timezone
from aggportal.certs.models import *
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.pki.requests import load_request_spec
from aggportal.web.actors import Actor
config = {{"signing": {{"default": {{"expiry": "8760h", "usages": ["signing", "server auth"]}}}}}}
choices = AuthorityChoices(label="bench", slug="bench", lane=Lane.SERVING, mode=Mode.STRICT,
                           file_base="bench-ca", signing_config=json.dumps(config))
now = timezone.now()
spec = load_request_spec({{"CN": "bench-ca", "key": {{"algo": "ecdsa", "size": 256}}}})
authority = create_authority(spec, choices, by=Actor(id=None, name="bench"), now=now)
rows = {rows}
for start in range(0, rows, 5000):
    numbers = range(start, min(start + 5000, rows))
    requests = SigningRequest.objects.bulk_create(
        SigningRequest(authority=authority, profile="default", state=State.ISSUED,
                       serial=f"{{n:040x}}", subject=f"CN=svc-{{n}}", requested_at=now,
                       requester_name="bench") for n in numbers)
    Certificate.objects.bulk_create(
        Certificate(authority=authority, request=request, serial=request.serial,
                    common_name=f"svc-{{n}}.team-{{n % 97}}.svc", subject=f"CN=svc-{{n}}",
                    names=f"dns svc-{{n}}.team-{{n % 97}}.svc", profile="default",
                    key_text="ECDSA P-256", file_base=f"svc-{{n}}", not_before=now, issued_at=now,
                    not_after=now + dt.timedelta(days=n % 900), issued_by="bench",
                    fingerprint_sha256=secrets.token_hex(32), spki_sha256=secrets.token_hex(32))
        for n, request in zip(numbers, requests))
"""


def get(port: int, path: str, *, expect: int = 200) -> Callable[[], None]:
    """Return one person's request for a page."""
    person = Browser(port)

    def ask() -> None:
        status, _ = person.ask("GET", path)
        if status != expect:
            raise RuntimeError(f"{path} answered {status}")

    return ask


def main(rows: int) -> None:
    """Print a row a page."""

    def prepare(made: Portal) -> None:
        made.manage(FILL.format(rows=rows))
        made.manage(CLUSTER)

    pages = {
        "/certificates/": "newest page",
        f"/certificates/?before={rows // 2}": "a page in the middle",
        "/certificates/?before=60": "the last page",
        "/certificates/?q=svc-4242.": "search, rare",
        "/certificates/?q=team-42.": "search, one in a hundred",
        "/certificates/?state=soon": "ends within 30 days",
        "/": "dashboard",
        "/clusters/bench/": "cluster page, 400 APIServices",
        "/clusters/bench/table/": "its live table",
    }
    with portal(prepare) as made:
        for path, label in pages.items():
            print(load(f"{label} ({path})", [get(made.port, path)], count=40))
        person = Browser(made.port)
        path = polled(person)
        print(load(f"nothing newer: 204 ({path})", [get(made.port, path, expect=204)], count=200))


def polled(person: Browser) -> str:
    """Return the address that the cluster page itself polls."""
    page = person.ask("GET", "/clusters/bench/")[1].decode()
    found = re.search(r'hx-get="([^"]*newer_than=[^"]*)"', page)
    if not found:
        raise RuntimeError("the cluster page polls nothing")
    return html.unescape(found[1])


# Held and heard for the whole run: no worker is there to say so again.
CLUSTER = """
import datetime as dt
from django.utils import timezone
from aggportal.clusters.models import Cluster, ClusterState, Lease, WatchedAPIService
from aggportal.clusters.services.connections import seal_connection
from aggportal.clusters.services.leadership import WORKER
from aggportal.kube.connections import from_token
later = timezone.now() + dt.timedelta(hours=1)
sealed = seal_connection(from_token("https://127.0.0.1:6443", "", "bench"))
sealed.save()
cluster = Cluster.objects.create(slug="bench", name="bench", server="https://127.0.0.1:6443",
                                 auth_kind="token", sealed=sealed, created_at=timezone.now(),
                                 created_by="bench")
ClusterState.objects.create(cluster=cluster, version=1, connected=True, since=timezone.now(),
                            heard_at=later, synced_at=later, kube_version="v1.36.2", total=400,
                            available=390)
Lease.objects.create(name=WORKER, holder="bench", renewed_at=later)
def row(n):
    name = f"v1.group{n}.example.com"
    raw = {"metadata": {"name": name}, "spec": {"group": f"group{n}.example.com", "version": "v1"}}
    return WatchedAPIService(
        cluster=cluster, name=name, uid=str(n), resource_version=str(n), version="v1",
        group=f"group{n}.example.com", service_namespace="ns", service_name=f"svc{n}",
        service_port=443,
        available="False" if n % 40 == 0 else "True", since=timezone.now(), message="", cause="",
        reason="FailedDiscoveryCheck" if n % 40 == 0 else "Passed", group_priority=1000,
        version_priority=15, automanaged="", tls="bundle", ca_subject="CN=serving-ca", ca_count=1,
        ca_not_after=later + dt.timedelta(days=n), raw=raw, state_version=1)
WatchedAPIService.objects.bulk_create(row(n) for n in range(400))
"""

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
