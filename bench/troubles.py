"""What the portal answers while its disk is full or its database away, and that it goes on after.

Run inside a portal: python -m bench.troubles disk FOLDER | postgres STOP START
Prints JSON. One process throughout: nothing is started anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import DatabaseError, close_old_connections  # noqa: E402 -- Django comes first
from django.test import Client  # noqa: E402

from aggportal.accounts.models import User  # noqa: E402
from aggportal.accounts.roles import Role, give_role  # noqa: E402
from aggportal.certs.models import Certificate  # noqa: E402
from aggportal.ledger.verifying import verify_chain  # noqa: E402
from bench.installation import AUTHORITY  # noqa: E402
from bench.issuing import issue  # noqa: E402

LIST = f"/pki/{AUTHORITY}.crl"


class Visitor(Client):
    """Django's, which leaves out what begins and ends each request for a server."""

    def request(self, **given: Any) -> Any:
        close_old_connections()
        answer = super().request(**given)
        close_old_connections()
        return answer


def visitor() -> Visitor:
    """A signed-in person whose faults are answered, not raised."""
    user = User.objects.create_user("bars")
    give_role(user, Role.ADMINISTRATOR)
    client = Visitor(raise_request_exception=False, SERVER_NAME="localhost")
    client.force_login(user)
    return client


def disk(folder: Path) -> dict[str, Any]:
    """Issue until the disk is full and longer; then make room and go on."""
    client, errors, refused = visitor(), [], 0
    acknowledged = [issue().serial]
    # Who fetches lists has no session.
    anybody = Visitor(raise_request_exception=False, SERVER_NAME="localhost")
    before = anybody.get(LIST)
    fill = folder / "fill"
    with fill.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError:
            pass
    for _ in range(400):
        try:
            acknowledged.append(issue().serial)
        except DatabaseError:
            refused += 1
        if refused > 5:
            break
    statuses = {client.get("/").status_code for _ in range(5)}
    if not statuses <= {200, 503}:
        errors.append(f"pages answered {statuses}")
    if before.status_code != 200 or anybody.get(LIST).content != before.content:
        errors.append("the list is not served while the disk is full")
    fill.unlink()
    return _end(acknowledged, refused, errors, client, time.monotonic())


def postgres(stop: str, start: str) -> dict[str, Any]:
    """Stop the server hard, ask, start it, ask again."""
    client, errors = visitor(), []
    acknowledged = [issue().serial]
    subprocess.run(stop, shell=True, check=True, capture_output=True)  # noqa: S602 -- the bench's own
    begun = time.monotonic()
    answers = [client.get(path) for path in ("/", "/certificates/", LIST, "/readyz")]
    took = time.monotonic() - begun
    if {answer.status_code for answer in answers} != {503}:
        errors.append(f"answered {[answer.status_code for answer in answers]}")
    if took > 2 * len(answers):
        errors.append(f"took {took:.1f} s")
    try:
        acknowledged.append(issue().serial)
        errors.append("issued without a database")
    except DatabaseError:
        pass
    subprocess.run(start, shell=True, check=True, capture_output=True)  # noqa: S602 -- the bench's own
    return _end(acknowledged, len(answers), errors, client, time.monotonic())


def _end(
    acknowledged: list[str], refused: int, errors: list[str], client: Visitor, since: float
) -> dict[str, Any]:
    """Wait until pages come and certificates are issued again, and look whether all is there."""
    while client.get("/").status_code != 200:
        if time.monotonic() - since > 10:
            errors.append("pages did not come back within 10 s")
            break
        time.sleep(0.1)
    acknowledged.append(issue().serial)
    back = time.monotonic() - since
    there = set(Certificate.objects.values_list("serial", flat=True))
    errors += [f"lost {serial}" for serial in acknowledged if serial not in there]
    if len(there) != len(acknowledged):
        errors.append(f"{len(there)} are stored, {len(acknowledged)} were acknowledged")
    if verify_chain().broken_at is not None:
        errors.append("the ledger is broken")
    return {
        "acknowledged": len(acknowledged),
        "refused": refused,
        "back": round(back, 2),
        "errors": errors,
    }


if __name__ == "__main__":
    names = sys.argv[2:]
    told = disk(Path(names[0])) if sys.argv[1] == "disk" else postgres(names[0], names[1])
    sys.stdout.write(json.dumps(told))
