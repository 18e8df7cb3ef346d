"""The drill by the runbook, in processes: back up, lose everything, restore, compare, issue again.
And what a backup must not hold.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from aggportal.backups.archive import read_archive
from aggportal.backups.locks import unlock_by_passphrase
from bench.installation import POSTGRESQL, SQLITE, Installation, installation

PASSPHRASE = "nine bright lanterns over the water"
ENGINE = POSTGRESQL if os.environ.get("DATABASE_URL", "").startswith("postgres") else SQLITE
ISSUE = "from bench.issuing import issue\nprint(issue().serial)"
ANCHOR = """
from django.utils import timezone
from aggportal.ledger.checkpointing import make_checkpoint
made = make_checkpoint(now=timezone.now(), at_once=True)
from aggportal.ledger.models import Checkpoint
print(Checkpoint.objects.first().note)
"""
PEOPLE = """
from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role
for name in ("ada", "bea"):
    give_role(User.objects.create_user(name, password=f"{name} likes lanterns"), Role.ADMINISTRATOR)
"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A portal with an authority, a certificate and two administrators, its backup, and what was
    anchored before and after it."""

    portal: Installation
    backup: Path
    told: str
    before: Path
    after: Path
    passphrase: Path

    def restore_into(self, new: Installation, *more: str) -> CompletedProcess[str]:
        arguments = (str(self.backup), "--passphrase-file", str(self.passphrase), *more)
        return new.manage("restore", *arguments)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    backup, phrase = folder / "backup", folder / "passphrase"
    phrase.write_text(PASSPHRASE + "\n")
    phrase.chmod(0o600)
    with installation(ENGINE) as portal:
        portal.prepare()
        (folder / "before").write_text(portal.python(PEOPLE + ANCHOR))
        made = portal.manage("backup", "--out", str(backup), "--passphrase-file", str(phrase))
        (folder / "after").write_text(portal.python(ANCHOR))
        yield Stage(
            portal=portal,
            backup=backup,
            told=made.stdout + made.stderr,
            before=folder / "before",
            after=folder / "after",
            passphrase=phrase,
        )


def test_restore_drill(stage: Stage) -> None:
    with installation(ENGINE, keys_of=stage.portal) as new:
        assert "Its ledger holds. Nothing is signed until" in stage.restore_into(new).stdout
        assert "This installation is not empty" in stage.restore_into(new).stderr
        with pytest.raises(RuntimeError, match="NotCompared"):
            new.python(ISSUE)
        # That the backup was finished was recorded after it was taken: this entry is missing.
        against = ("--against", str(stage.after))
        lacking = new.manage("ledger_verify", *against)
        assert re.search(r"Entries (\d+) to \1 were recorded and anchored", lacking.stderr)
        accept = ("restore_accept", *against, "--reason", "only the backup's own end is missing")
        people = ("--administrator", "ada", "--administrator", "bea")
        refused = new.manage(*accept, *people, typed="ada likes lanterns\nwrong\n")
        assert "Two different administrators" in refused.stderr
        typed = "ada likes lanterns\nbea likes lanterns\n"
        assert "are accepted as lost" in new.manage(*accept, *people, typed=typed).stdout
        assert len(new.python(ISSUE).strip()) == 40
        assert new.manage("ledger_verify", *against).returncode == 0


def test_a_portal_that_stood_still_is_restored_without_any_loss(stage: Stage) -> None:
    with installation(ENGINE, keys_of=stage.portal) as new:
        done = stage.restore_into(new, "--compare-with", str(stage.before))
        assert "Nothing that was anchored is missing" in done.stdout, done.stderr
        assert len(new.python(ISSUE).strip()) == 40


def test_backup_never_has_the_kek(stage: Stage) -> None:
    assert re.search(r"SHA-256 [0-9a-f]{64}", stage.told)
    file = BytesIO(stage.backup.read_bytes())
    phrase = PASSPHRASE.encode()
    plain = b"".join(read_archive(file, lambda locks: unlock_by_passphrase(locks, phrase)))
    assert b"bars-ca" in plain
    secrets = [(stage.portal.folder / "keys/secret_key").read_bytes().strip()]
    for name in ("AGGPORTAL_KEK", "AGGPORTAL_LEDGER_KEY"):
        text = stage.portal.environment[name].encode()
        secrets += [text, base64.b64decode(text), base64.b64decode(text).hex().encode()]
    for secret in (*secrets, phrase, b"PRIVATE KEY"):
        assert secret not in plain
        assert secret not in file.getvalue()


def test_a_backup_that_was_changed_touches_nothing(stage: Stage, tmp_path: Path) -> None:
    archive = bytearray(stage.backup.read_bytes())
    archive[-40] ^= 1
    changed = tmp_path / "changed"
    changed.write_bytes(archive)
    with installation(ENGINE, keys_of=stage.portal) as new:
        done = replace(stage, backup=changed).restore_into(new)
        assert "was changed or cut off at part" in done.stderr
        assert "Restored" not in done.stdout
