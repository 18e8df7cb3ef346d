"""The bar of keys: the key-encryption key is exchanged while others issue and open keys, and the
command is killed with kill -9 again and again.

Run: python -m bench.bars_keys [--long]
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from bench.bars import Bar, judged
from bench.bars_pytest import TITLES
from bench.installation import ROOT, Installation, engines, installation

_MOST_RUNS = 200
# Where the command is killed: at a line of its output, and up to so many seconds later.
_MOMENTS = (("", 2.0), ("wrapping under", 0.3), ("wrapped anew", 0.2), ("wrapped anew", 0.02))


def bars(*, long: bool) -> Iterator[Bar]:
    """Yield B4: on each engine, one rotation with 3 kills, or five with 10 each."""
    count, wrong, told = 0, [], []
    for engine in engines():
        with installation(engine) as portal:
            for _rotation in range(5 if long else 1):
                found, said = _rotated(_with_key_file(portal), kills=10 if long else 3)
                count += sum(found.values()) - found["failed"]
                wrong += [f"{engine}: {each}" for each in said]
                told.append(f"{engine} {dict(found)}")
    yield judged("B4", TITLES["B4"], count=count, wrong=wrong, told="; ".join(told))


def _with_key_file(portal: Installation) -> Installation:
    """The same installation with its key in a file, prepared once."""
    environment = {**portal.environment, "PYTHONUNBUFFERED": "1"}
    environment.pop("AGGPORTAL_KEK")
    own = replace(portal, environment=environment)
    if not (portal.folder / "keys" / "kek").exists():
        own.manage("make_keys")
        own.prepare()
        own.python("from bench.issuing import issue\nfor _ in range(150): issue()")
    return own


def _rotated(portal: Installation, *, kills: int) -> tuple[Counter[str], list[str]]:
    """Rotate once under load; return what the load did, and everything that is wrong."""
    before = _wraps(portal)
    loads = [portal.module("bench.key_load") for _ in range(2)]
    try:
        killed = sum(_killed(portal, *secrets.choice(_MOMENTS)) for _ in range(kills))
        last = _finished(portal, before)
        time.sleep(1)
    finally:
        lines = [line for load in loads for line in _ended(load)]
    did = Counter(line.partition(" ")[0] for line in lines)
    did["killed"] = killed
    wrong = [line for line in lines if line.startswith("failed")]
    status = portal.manage("rotate_kek", "--status").stdout
    if "under other keys: 0" not in status or _wraps(portal) == before:
        wrong.append(f"the old key is in use: {status[-300:]} {last[-300:]}")
    left = [path.name for path in (portal.folder / "keys").glob("kek.*")]
    wrong += [f"left behind: {name}" for name in left]
    return did, wrong


def _killed(portal: Installation, line: str, within: float) -> int:
    """Start the command, kill it a moment after `line`; 1 if it was alive until then."""
    process = _command(portal)
    while line and process.stdout and (said := process.stdout.readline()):
        if line in said:
            break
    time.sleep(within * secrets.randbelow(1000) / 1000)
    was_alive = process.poll() is None
    process.kill()
    process.communicate()
    return int(was_alive)


def _finished(portal: Installation, before: str) -> str:
    """Say the command until the key is another and the old one dropped; return its last words."""
    said = ""
    for _run in range(_MOST_RUNS):
        done = _command(portal)
        out, err = done.communicate()
        said = out + err
        if done.returncode == 0 and _wraps(portal) != before:
            break
    return said


def _command(portal: Installation) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "rotate_kek", "--grace", "3"],
        cwd=ROOT,
        env=dict(portal.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(load: subprocess.Popen[str]) -> list[str]:
    load.terminate()
    out, err = load.communicate()
    crashed = [f"failed {err[-300:]}"] if "Traceback" in err else []
    return [*out.splitlines()[:-1], *crashed]


def _wraps(portal: Installation) -> str:
    found = re.search(r"wraps: (\w+)", portal.manage("rotate_kek", "--status").stdout)
    return found[1] if found else ""


def main() -> int:
    """Print the bar; 1 where it fails."""
    failed = 0
    for bar in bars(long="--long" in sys.argv[1:]):
        print(bar, os.linesep if bar.detail else "", flush=True)
        failed += bar.state == "FAIL"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
