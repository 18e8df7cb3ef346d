"""The drill by the runbook, in processes: back up, lose everything, restore, compare,
issue again. And what a backup must not hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from aggportal.backups.archive import read_archive
from aggportal.backups.locks import unlock_by_passphrase
from bench.installation import POSTGRESQL, SQLITE, Installation, installation

PASSPHRASE = "nine bright lanterns over the water"
ENGINE = POSTGRESQL if os.environ.get("DATABASE_URL", "").startswith("postgres") else SQLITE
ISSUE = """
from django.utils import timezone
from bench.issuing import issue
print(issue().serial)
"""
ANCHOR = """
from django.utils import timezone
from aggportal.ledger.checkpointing import make_checkpoint
print(make_checkpoint(now=timezone.now(), at_once=True).note)
"""


@pytest.fixture(scope="module")
def portal() -> Iterator[Installation]:
    with installation(ENGINE) as made:
        made.prepare()
        yield made


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


def back_up(portal: Installation, out: Path, passphrase: Path) -> str:
    done = portal.manage("backup", "--out", str(out), "--passphrase-file", str(passphrase))
    assert done.returncode == 0, done.stderr
    return done.stdout


def content(archive: Path) -> bytes:
    file = BytesIO(archive.read_bytes())
    return b"".join(
        read_archive(file, lambda locks: unlock_by_passphrase(locks, PASSPHRASE.encode()))
    )


def test_restore_drill(portal: Installation, passphrase: Path, tmp_path: Path) -> None:
    portal.python(ISSUE)
    told = back_up(portal, tmp_path / "b1", passphrase)
    assert re.search(r"SHA-256 [0-9a-f]{64}", told)
    (tmp_path / "anchor").write_text(portal.python(ANCHOR))
    with installation(ENGINE, keys_of=portal) as new:
        restore = ("restore", str(tmp_path / "b1"), "--passphrase-file", str(passphrase))
        done = new.manage(*restore)
        assert "Its ledger holds. Nothing is signed until" in done.stdout, done.stderr
        again = new.manage(*restore)
        assert again.returncode == 1
        assert "This installation is not empty" in again.stderr
        with pytest.raises(RuntimeError, match="NotCompared"):
            new.python(ISSUE)
        # The backup's own end was recorded after it was taken: that entry is missing.
        lacking = new.manage("ledger_verify", "--against", str(tmp_path / "anchor"))
        assert lacking.returncode == 1
        assert re.search(r"Entries (\d+) to \1 were recorded and anchored", lacking.stderr)
