"""Finding among many certificates: `python -m bench.bench_finding [100000]`.

How long pages of every order and filter take, first and deep, and what taking the whole list away
costs in time and memory. With DATABASE_URL on PostgreSQL (`.ci/with-postgres`), else on SQLite.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from bench.bench_pages import get
from bench.harness import Browser, Portal, load, portal

AUTHORITIES = 20
FILL = """
import datetime as dt, json, secrets
from django.db import connection
from django.utils import timezone
from aggportal.certs.models import *
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.name_entries import name_entries
from aggportal.pki.requests import load_request_spec
from aggportal.web.actors import Actor
config = {{"signing": {{"default": {{"expiry": "8760h", "usages": ["signing", "server auth"]}}}}}}
now = timezone.now()
def authority(n):
    name = f"bench-{{n:02}}"
    choices = AuthorityChoices(label=name, slug=name, lane=Lane.SERVING, mode=Mode.STRICT,
                               file_base=name, signing_config=json.dumps(config))
    spec = load_request_spec({{"CN": name, "key": {{"algo": "ecdsa", "size": 256}}}})
    return create_authority(spec, choices, by=Actor(id=None, name="bench"), now=now)
authorities = [authority(n) for n in range({authorities})]
prod = Tag.objects.create(name="prod")
def host(n):
    return f"*.team-{{n}}.svc" if n % 1000 == 0 else f"svc-{{n}}.team-{{n % 97}}.svc"
def certificate(n):
    return Certificate(
        authority=authorities[n * 7 % {authorities}], origin=Origin.IMPORTED, serial=f"{{n:040x}}",
        common_name=f"svc-{{n * 7919 % {rows}}}", subject=f"CN=svc-{{n}}", names=f"dns {{host(n)}}",
        profile="default", key_text="ECDSA P-256", file_base=f"svc-{{n}}", not_before=now,
        issued_at=now, not_after=now + dt.timedelta(days=n % 900), issued_by="bench",
        owner=f"team-{{n % 97}}", fingerprint_sha256=secrets.token_hex(32),
        spki_sha256=secrets.token_hex(32))
for start in range(0, {rows}, 5000):
    made = Certificate.objects.bulk_create(
        certificate(n) for n in range(start, min(start + 5000, {rows})))
    CertificateName.objects.bulk_create(
        entry for row in made
        for entry in name_entries(row, [("dns", row.names[4:])], sha1=secrets.token_hex(20)))
    Certificate.tags.through.objects.bulk_create(
        Certificate.tags.through(certificate=row, tag=prod) for row in made[::100])
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
"""


def main(rows: int) -> None:
    """Print a row a page, then the exports."""
    middle = rows // 2
    pages = {
        "/certificates/": "newest page",
        f"/certificates/?before={middle}": "newest first, deep",
        "/certificates/?sort=ends": "soonest end",
        f"/certificates/?sort=ends&before={middle}": "soonest end, deep",
        f"/certificates/?sort=ends&after={middle}": "soonest end, deep and back",
        "/certificates/?sort=name": "by name",
        f"/certificates/?sort=name&before={middle}": "by name, deep",
        "/certificates/?sort=authority": "by authority",
        f"/certificates/?sort=authority&before={middle}": "by authority, deep",
        "/certificates/?q=svc-4242.": "a part of a name, rare",
        "/certificates/?q=team-42.": "a part of a name, one in a hundred",
        "/certificates/?q=team-42.&sort=name": "the same by name",
        "/certificates/?q=svc": "a part of every name",
        "/certificates/?q=4.": "two characters: no index",
        "/certificates/?covers=api.team-42000.svc": "covers a host, by a wildcard",
        f"/certificates/?q={'0' * 30}abc1234567": "a serial",
        "/certificates/?state=soon&sort=ends": "ends within 30 days",
        "/certificates/?owner=team-42": "an owner",
        "/certificates/?tag=prod": "a tag, one in a hundred",
        "/search/?q=team-42.": "the search of every page",
    }
    with portal(lambda made: made.manage(FILL.format(rows=rows, authorities=AUTHORITIES))) as made:
        for path, label in pages.items():
            print(load(f"{label} ({path})", [get(made.port, path)], count=20), flush=True)
        print(f"peak memory of a web process before the exports: {peak(made)} MB")
        for form in ("csv", "json"):
            for search in ("", "?sort=name", "?q=team-42."):
                print(exported(made, f"/certificates/export.{form}{search}"))


def exported(made: Portal, path: str) -> str:
    """Take the list away once; tell time, size and the web process's peak memory."""
    person = Browser(made.port)
    begin = time.perf_counter()
    status, body = person.ask("GET", path)
    seconds = time.perf_counter() - begin
    if status != 200:
        raise RuntimeError(f"{path} answered {status}")
    size = len(body) / 1e6
    return f"{path:<40} {seconds:6.1f} s   {size:7.1f} MB   peak memory {peak(made)} MB"


def peak(made: Portal) -> int:
    """Return the largest resident size that a web process ever had, in megabytes."""
    found = [0]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"127.0.0.1:{made.port}" in (folder / "cmdline").read_text():
                high = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
                found.append(int(high[1]) // 1024 if high else 0)
        except OSError:
            continue
    return max(found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
