"""A large ledger as an export, made without a database, and the program that checks it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.bars import Bar, judged
from bench.bars_pytest import TITLES
from bench.installation import ROOT

if TYPE_CHECKING:
    from aggportal.ledger.keys import LedgerKey

# The demand for a million entries, in seconds.
SECONDS = 60


def offline_bar(count: int) -> Bar:
    """Write so many entries, and let the program check them, its time told."""
    from aggportal.ledger.keys import derive

    key = derive(os.urandom(32))
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export.jsonl"
        write_export(export, count, key)
        program = ROOT / "aggportal/ledger/offline.py"
        command = [sys.executable, "-I", str(program), str(export), "--key", key.verifier]
        begun = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        took = time.monotonic() - begun
    wrong = [] if done.returncode == 0 else [done.stdout.strip() or done.stderr[-200:]]
    if count >= 1_000_000 and took > SECONDS:
        wrong.append(f"took {took:.0f} s")
    return judged("B22", TITLES["B22"], count=count, wrong=wrong, told=f"{took:.1f} s")


def write_export(path: Path, count: int, key: LedgerKey) -> None:
    """Write `count` entries as `ledger_export` does, and a checkpoint of all."""
    from aggportal.ledger.chain import canonical_json
    from aggportal.ledger.offline import START, Tree, digest_of

    tree, previous = Tree(), START
    with path.open("w", encoding="ascii") as out:
        for seq in range(1, count + 1):
            text = canonical_json(_document(seq))
            digest = digest_of(text, previous=previous)
            entry = {"seq": seq, "canonical": text, "previous": previous, "digest": digest}
            out.write(json.dumps({**entry, "mac": key.mac_of(digest)}) + "\n")
            tree.append(text.encode())
            previous = digest
        root = base64.b64encode(tree.root()).decode()
        note = key.sign(f"{key.origin}\n{tree.size}\n{root}\n2026-01-01T00:00:00+00:00\n")
        out.write(json.dumps({"checkpoint": note}) + "\n")


def _document(seq: int) -> dict[str, object]:
    """What an entry about an issued certificate says, in its usual length."""
    return {
        "seq": seq,
        "at": "2026-01-01T00:00:00.000000+00:00",
        "actor": "somebody",
        "actor_id": 7,
        "address": "192.0.2.7",
        "request_id": f"{seq:016x}",
        "action": "certificate.issued",
        "outcome": "done",
        "object": ["certificate", str(seq), f"service-{seq}.example"],
        "detail": {"authority": "bars-ca", "serial": f"{seq:040x}", "sha256": f"{seq:064x}"},
    }
