"""Many processes on one installation: they issue at once, are killed while they issue, or issue,
revoke and publish against each other. Prints what came of it as JSON.

Run inside a portal: python -m bench.crowds race PROCESSES COUNT against SECONDS kill KILLS

The processes are forked from one that has loaded everything, so that a kill comes while something
is done and not while Python starts.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402 -- Django comes first
from django.utils import timezone  # noqa: E402

from aggportal.certs.models import (  # noqa: E402
    Authority,
    Certificate,
    Reason,
    SigningRequest,
    State,
)
from aggportal.certs.services.abandoned import end_abandoned_requests  # noqa: E402
from aggportal.certs.services.crls import current_crl, publish_crl  # noqa: E402
from aggportal.certs.services.revoking import (  # noqa: E402
    RevocationChoices,
    revoke_certificates,
)
from aggportal.ledger.verifying import verify_chain  # noqa: E402
from aggportal.web.actors import Actor  # noqa: E402
from aggportal.words import RefusedError  # noqa: E402
from bench.installation import AUTHORITY  # noqa: E402
from bench.issuing import issue  # noqa: E402

Child = tuple[int, Any]
Work = Callable[[Callable[[str], None]], None]
# The demand: what was cut off is settled within a minute.
SETTLED = dt.timedelta(seconds=60)
_OURS = Actor(id=None, name="bars")


def race(processes: int, count: int) -> dict[str, Any]:
    """Let each process issue `count` certificates; how long each took is in seconds."""

    def work(say: Callable[[str], None]) -> None:
        for _ in range(count):
            begun = time.monotonic()
            serial = issue().serial
            say(f"{serial} {time.monotonic() - begun:.4f}")

    begun = time.monotonic()
    lines = [line for each in _all([work] * processes) for line in each]
    took = time.monotonic() - begun
    spans = sorted(float(line.split()[1]) for line in lines if not line.startswith("!"))
    told = _judge([line.split()[0] for line in lines if not line.startswith("!")])
    told["errors"] += [line for line in lines if line.startswith("!")]
    rate, p99 = len(spans) / took, spans[int(len(spans) * 0.99) - 1] if spans else 0.0
    return {**told, "per_second": round(rate, 1), "p99": round(p99, 3), "max": spans[-1:]}


def kill(kills: int) -> dict[str, Any]:
    """Kill a process -9 so many times, each somewhere in its second or third certificate."""
    chance = random.Random(kills)  # noqa: S311 -- moments, no secrets

    def work(say: Callable[[str], None]) -> None:
        while True:
            say(issue().serial)

    acknowledged: list[str] = []
    errors: list[str] = []
    for _ in range(kills):
        child, reading = _fork(work)
        first = reading.readline()  # it is at work
        time.sleep(chance.uniform(0.0, 0.3))
        os.kill(child, signal.SIGKILL)
        lines = [line.strip() for line in (first, *reading)]
        os.waitpid(child, 0)
        acknowledged += [line for line in lines if line and not line.startswith("!")]
        errors += [line for line in lines if line.startswith("!")]
    pending = SigningRequest.objects.filter(state=State.SIGNING).count()
    while end_abandoned_requests(now=timezone.now() + SETTLED):
        pass
    told = _judge(acknowledged)
    told["errors"] += errors
    left = SigningRequest.objects.filter(state=State.SIGNING).count()
    if left:
        told["errors"].append(f"{left} pending are left")
    return {**told, "kills": kills, "pending": pending}


def against(seconds: float) -> dict[str, Any]:
    """Issue, revoke and publish against each other; then look at every list."""
    ends = time.monotonic() + seconds

    def issuing(say: Callable[[str], None]) -> None:
        while time.monotonic() < ends:
            say(issue().serial)

    def revoking(say: Callable[[str], None]) -> None:
        while time.monotonic() < ends:
            row = Certificate.objects.filter(revoked_at=None).order_by("?").first()
            if row is None:
                continue
            choices = RevocationChoices(reason=Reason.SUPERSEDED)
            with contextlib.suppress(RefusedError):  # another was first
                revoke_certificates([row.pk], choices, by=_OURS, now=timezone.now())
                say(f"revoked {row.serial}")

    def publishing(say: Callable[[str], None]) -> None:
        while time.monotonic() < ends:
            authority = Authority.objects.get(slug=AUTHORITY)
            say(f"list {publish_crl(authority, by=_OURS, now=timezone.now()).number}")
            time.sleep(0.05)

    works = [issuing, issuing, revoking, revoking, publishing, publishing]
    each = _all(works)
    lines = [line for told in each for line in told]
    issued = [line for line in lines if " " not in line]
    told = _judge(issued)
    told["errors"] += [line for line in lines if line.startswith("!")]
    told["errors"] += _lists(each, [line.split()[1] for line in lines if "revoked" in line])
    return {**told, "revoked": sum("revoked" in line for line in lines)}


def _lists(each: list[list[str]], revoked: list[str]) -> list[str]:
    """What is wrong with the lists: their numbers as each publisher saw them, and the last one."""
    from cryptography import x509

    wrong, seen = [], []
    for lines in each:
        numbers = [int(line.split()[1]) for line in lines if line.startswith("list ")]
        seen += numbers
        if numbers != sorted(set(numbers)):
            wrong.append("numbers did not rise")
    if len(seen) != len(set(seen)):
        wrong.append("a number was used twice")
    newest = current_crl(Authority.objects.get(slug=AUTHORITY))
    there = x509.load_der_x509_crl(bytes(newest.der)) if newest else ()
    serials = {entry.serial_number for entry in there}
    missing = [serial for serial in revoked if int(serial, 16) not in serials]
    return wrong + [f"revoked and not on the last list: {serial}" for serial in missing]


def _judge(acknowledged: list[str]) -> dict[str, Any]:
    """Compare what was acknowledged with what is stored, and check the ledger."""
    stored = set(Certificate.objects.values_list("serial", flat=True))
    chain = verify_chain()
    errors = [f"lost {serial}" for serial in acknowledged if serial not in stored]
    if len(set(acknowledged)) != len(acknowledged):
        errors.append("a serial was acknowledged twice")
    if len(stored) != Certificate.objects.count():
        errors.append("a serial is stored twice")
    if chain.broken_at is not None or chain.checked != chain.size:
        errors.append(f"the ledger is broken at {chain.broken_at}")
    return {
        "acknowledged": len(acknowledged),
        "stored": len(stored),
        "entries": chain.size,
        "errors": errors,
    }


def _fork(work: Work) -> Child:
    """Start `work` in a process of its own; what it says is read line by line."""
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, os.fdopen(reading)
    os.close(reading)
    try:
        work(partial(_say, writing))
    except BaseException:  # whatever it is, the parent must hear of it
        last = traceback.format_exc().strip().splitlines()[-1]
        os.write(writing, f"!{last[:300]}\n".encode())
        raise
    finally:
        os._exit(0)


def _say(writing: int, line: str) -> None:
    os.write(writing, f"{line}\n".encode())


def _all(works: Sequence[Work]) -> list[list[str]]:
    """Start all, then read all at once, so that none waits for its pipe to be read."""
    children = [_fork(work) for work in works]
    with ThreadPoolExecutor(len(children)) as readers:
        return list(readers.map(_read, children))


def _read(child: Child) -> list[str]:
    lines = [line.strip() for line in child[1]]
    os.waitpid(child[0], 0)
    return lines


def main(words: Sequence[str]) -> dict[str, Any]:
    """Do one after the other what the command line names; each is its own object."""
    issue()  # what is imported at first use is there before the fork
    told, given = {}, list(words)
    works: dict[str, tuple[Callable[..., dict[str, Any]], int]]
    works = {"race": (race, 2), "kill": (kill, 1), "against": (against, 1)}
    while given:
        name = given.pop(0)
        work, takes = works[name]
        told[name] = work(*(int(given.pop(0)) for _ in range(takes)))
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])))
